//! Channels: a streamer's permanent place, one per account, made when it is first needed.
//!
//! Promise: an account never has two channels (a unique key holds it). The lasting stream key is shown once and kept as
//! a hash; the moment a new one is made, the old one opens nothing more. A publisher that is already sending goes on.
//! Lost: nothing that was answered.

mod error;
mod http;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::Error;
pub(crate) use http::StreamKey;
pub use http::router;
pub use model::Channel;
pub(crate) use model::{Refused, checked_title};
pub use service::Channels;
pub(crate) use store::{MIGRATION, REFUSALS, keep_refusal, lock as lock_channel, refused_last};
