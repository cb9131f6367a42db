//! Broadcasts: one show each, from the moment a host makes it to its replay.
//!
//! Promise: a broadcast changes by one pure machine ([`lifecycle`]) and one conditional write, and the fact about it is
//! kept in the same transaction; whoever loses a race decides again on what is there now. The process that has a stream
//! reads what it is to do from the broadcast's row, every second and at once after a change of its own; it writes down
//! beside it that it is there, and how the stream is.
//! Limits: open broadcasts of a channel, broadcasts made in an hour (see [`crate::Settings`]), titles, how far a
//! schedule lies ahead.
//! Lost: nothing that was answered. News of a stream that could not be kept is tried again; a process that dies takes
//! it along, and its publishers are taken for gone when it starts again, or five seconds after it was heard of last.

mod addresses;
mod error;
mod http;
mod jobs;
pub mod lifecycle;
mod model;
mod presenter;
mod recent;
mod service;
mod store;
mod stray_encoders;
#[cfg(test)]
mod tests;

pub use addresses::PlaybackAddresses;
pub use error::{Error, PublishRefused};
pub use http::router;
pub use jobs::schedules;
pub use model::{Broadcast, Draft, Recording, StreamPlace};
pub use presenter::{BroadcastView, Health, Presenter};
pub use service::{Broadcasts, Change, Command, Needs};
pub(crate) use store::{MIGRATION, STREAMS_MIGRATION, TAKES_MIGRATION};
