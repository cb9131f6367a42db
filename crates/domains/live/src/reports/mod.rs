//! Reports: what a show and a channel came to, for their host; and the crowd's numbers for the rest of the domain.
//!
//! Promise: numbers come from what is kept, at most a second behind. Series agree with totals, because both are kept in
//! one transaction. It changes nothing, so it can lose nothing.

mod aggregates;
mod audience;
mod audience_of_rows;
mod error;
mod fans;
mod http;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use aggregates::{MIGRATIONS, Resolution};
pub(crate) use aggregates::{Moment, Moments};
pub use audience::AudienceInMemory;
pub use audience_of_rows::AudienceOfRows;
pub use error::Error;
pub use fans::{Chatter, Fan, FanAccount};
pub(crate) use fans::{chatters, with_names};
pub use http::router;
pub use service::{BroadcastReport, ChannelReport, ChannelStretch, ChatReport, Reports, Stretch, ViewersReport};
pub(crate) use store::add;
