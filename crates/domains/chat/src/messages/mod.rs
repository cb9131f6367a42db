//! Messages: posted, kept in the room log, read page by page, deleted.
//!
//! Promise: an acknowledged message is durable and has a contiguous offset; then it is published on the channel
//! `chat:{broadcast}` in the order of the log. A resend with the same client id is answered with the first message. A
//! deleted message leaves a tombstone in its place, and its deletion has an offset of its own.
//!
//! **Resends**: the log keeps a client id for good, so a resend is known after a day as after a year; that of a message
//! which waits for review, as long as it waits.
//!
//! **Replies** name the message they answer and do not repeat its text: a deleted message is gone everywhere.
//!
//! Limits: 500 characters, 10 mentions; a rate per account and per room, and the room's modes; what waits, and how many
//! rooms are in use, as [`sequencer`] says. Rates are counted in the memory of each process; slow mode is too, and processes
//! that have one database together ask it as well, so that they let no more through than one.
//!
//! Fails: when the log does not answer, the client is told to try again; with a client id that is harmless.

mod composing;
mod draft;
mod error;
mod http;
mod jobs;
mod model;
mod permission;
mod rate_limit;
mod service;
mod slow_mode;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use draft::Notice;
pub use error::Error;
pub use http::router;
pub use jobs::ForgetSlowMode;
pub use model::{
    Author, Deletion, HistoryItem, Message, MessagePinned, MessageUnpinned, NewMessage, ReplyTo, RoomChanged,
    Tombstone, room_name,
};
pub use service::Messages;
pub(crate) use service::Shared;
pub use store::MIGRATION;
pub(crate) use text::is_invisible;
