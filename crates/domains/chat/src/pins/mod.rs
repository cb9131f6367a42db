//! The pinned message of a room: one, put up by a moderator, until it is taken down, replaced or deleted.
//!
//! Promise: what the room's state shows is right at any time; readers are told by an entry of the room log, and when that
//! cannot be kept, they see it when they look at the room. The text stands in the log alone, so a deleted message is
//! pinned nowhere.

mod http;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use http::router;
pub use service::{PinnedMessage, Pins};
pub use store::MIGRATION;
