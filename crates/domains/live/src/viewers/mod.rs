//! Viewers: who watches a show now, how many have, and for how long.
//!
//! Promise: `concurrent` is the number of playback sessions whose lease has not run out, exact at any moment. A beat gives
//! its session a lease of 12 seconds from its arrival, by the server's clock, so lost, doubled and reordered beats change
//! nothing. A session counts from its first beat on. A beat that says `leaving` ends it at once and for good: a late
//! double of an earlier beat does not bring it back for ten minutes, which is longer than any network holds one.
//! Only a show that is live or paused has viewers; other beats are taken and change nothing.
//!
//! Other processes know a running show by its row: how many watch and how their players are doing, written in the same
//! transaction as what is kept, and only when something changed. While anybody watches, beats change something; so a row
//! that has stood for as long as a lease lasts, by the database's clock, has nobody any more, and one whose process died
//! neither.
//!
//! Where several processes count a show, each has what it heard, and all of them together have the number ([`crate::together`]).
//!
//! Kept: unique viewers, peak, watch time, in groups at least once a second. Lost with a process that dies: the last
//! second of those; leases are back within two beats.

mod attendance;
mod error;
mod http;
mod jobs;
mod places;
mod service;
mod settings;
mod shared;
mod stalls;
mod store;
#[cfg(test)]
mod tests;

pub use attendance::Beat;
pub use error::Error;
pub use http::router;
pub use jobs::KeepViewers;
pub use service::Viewers;
pub use settings::Settings;
pub use store::MIGRATIONS;
pub(crate) use store::{present, totals, watch_time};
