//! The Centrifuge client protocol, version 2, in its JSON form: bytes to commands, and replies and pushes to text.
//!
//! Promise: pure functions without input or output. Decoding is total (any bytes give commands or an error) and bounded;
//! unknown fields are ignored; embedded JSON (`data`) stays the bytes it was. Field names and meanings follow the
//! protocol's published schema (github.com/centrifugal/protocol, `client.proto`, MIT); JSON messages of one frame are
//! joined by line feeds.

pub mod codes;
mod command;
mod decode;
mod publication;
mod reply;
mod writer;

pub use command::{Command, Connect, History, Request, Since, Subscribe};
pub use decode::{COMMANDS_PER_FRAME_MAX, DecodeError, Decoded, decode};
pub(crate) use publication::{Push, unsubscribe_push};
pub(crate) use reply::{
    ConnectResult, HistoryResult, Place, SubscribeResult, connected, data, done, failed, history, presence,
    presence_stats, subscribed,
};

/// Text that was checked once and is shared by all connections it goes to.
pub(crate) type Text = axum::extract::ws::Utf8Bytes;

/// The ping of a server: an empty reply.
pub(crate) const PING: &str = "{}";
