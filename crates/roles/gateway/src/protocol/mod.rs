//! The Centrifuge client protocol, version 2, in both its encodings: bytes to commands, and replies and pushes to bytes.
//!
//! Promise: pure functions without input or output. Decoding is total (any bytes give commands or an error) and bounded;
//! unknown fields and flags are ignored; embedded values (`data`) stay the bytes they were. Field names, numbers and
//! meanings follow the protocol's published schema (github.com/centrifugal/protocol, `client.proto`, MIT). Values that
//! pass through are opaque; to readers of JSON a value that is no JSON becomes `null`, because JSON has no place for it.

pub(crate) mod bytes_as_text;
pub mod codes;
mod command;
mod decode;
mod encode;
mod encoding;
mod fossil;
mod json;
mod message;
mod protobuf;
mod published;

pub use command::{Command, Connect, History, Request, Since, Subscribe};
pub use decode::{COMMANDS_PER_FRAME_MAX, DecodeError, Decoded, decode};
use decode::{FLAG_REJECT_UNRECOVERED, FOSSIL};
pub(crate) use encode::{encode, publication_push};
pub use encoding::Encoding;
pub(crate) use message::{ConnectResult, HistoryResult, Lifetime, Message, Place, Push, Reply, SubscribeResult};
pub(crate) use published::{DataForm, Published, other_line};

pub(crate) use protobuf::emulated;

/// A frame of a client, and the session it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EmulatedFrame {
    /// The gateway its session began at, as the connect reply named it; may be empty.
    pub(crate) node: String,
    pub(crate) session: String,
    pub(crate) data: bytes::Bytes,
}

/// What the gateway calls itself towards clients.
const VERSION: &str = concat!("madang ", env!("CARGO_PKG_VERSION"));
