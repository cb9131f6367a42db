//! The two encodings of the protocol.

use crate::websocket::{Framed, Kind};

/// How a connection's messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// A line of JSON each; several are joined by line feeds.
    #[default]
    Json,
    /// A Protobuf message each, behind its length as a varint.
    Protobuf,
}

impl Encoding {
    /// Appends a message behind others.
    pub(crate) fn append(self, frame: &mut Vec<u8>, message: &[u8]) {
        if self == Self::Json && !frame.is_empty() {
            frame.push(b'\n');
        }
        frame.extend_from_slice(message);
    }

    /// Messages that belong together, as a frame.
    pub(crate) fn frame(self, messages: &[u8]) -> Framed {
        Framed::new(self.kind(), messages)
    }

    /// The kind of frames it is carried in.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Json => Kind::Text,
            Self::Protobuf => Kind::Binary,
        }
    }

    /// The ping of a server: an empty reply.
    pub(crate) fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => b"{}",
            Self::Protobuf => &[0],
        }
    }
}
