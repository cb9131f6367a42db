//! Messages: posted, kept in the room log, read page by page, deleted.
//!
//! Promise: an acknowledged message is durable and has a contiguous offset; then it is published on the channel
//! `chat:{broadcast}` in the order of the log. A resend with the same client id is answered with the first message. A
//! deleted message leaves a tombstone in its place, and its deletion has an offset of its own.
//!
//! Limits: 500 characters; a rate per account; what waits, and how many rooms are in use, as [`sequencer`] says.
//!
//! Fails: when the log does not answer, the client is told to try again; with a client id that is harmless.

mod error;
mod http;
mod model;
mod rate_limit;
mod service;
#[cfg(test)]
mod tests;
mod text;

pub use error::Error;
pub use http::router;
pub use model::{Author, Deletion, HistoryItem, Message, Tombstone, room_name};
pub use service::Messages;
