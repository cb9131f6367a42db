//! One RTMP message, and the numbers of the kinds.

use bytes::Bytes;

/// What a message is (RTMP 1.0 sections 5.4 and 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// Set Chunk Size (1).
    SetChunkSize,
    /// Abort Message (2).
    Abort,
    /// Acknowledgement (3).
    Acknowledgement,
    /// User Control (4).
    UserControl,
    /// Window Acknowledgement Size (5).
    WindowSize,
    /// Set Peer Bandwidth (6).
    PeerBandwidth,
    /// A command in AMF0 (20), or in AMF3's envelope around it (17).
    Command,
    /// Audio, video or data; data also in AMF3's envelope (15).
    Tag(crate::codec::TagKind),
    /// Aggregate (22).
    Aggregate,
    /// Anything else: shared objects and what is not defined.
    Other(u8),
}

impl MessageKind {
    /// The kind of a number on the wire.
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::SetChunkSize,
            2 => Self::Abort,
            3 => Self::Acknowledgement,
            4 => Self::UserControl,
            5 => Self::WindowSize,
            6 => Self::PeerBandwidth,
            15 => Self::Tag(crate::codec::TagKind::Data),
            17 | 20 => Self::Command,
            22 => Self::Aggregate,
            other => match crate::codec::TagKind::from_number(other) {
                Some(kind) => Self::Tag(kind),
                None => Self::Other(other),
            },
        }
    }
}

/// One whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The number of its kind on the wire.
    pub number: u8,
    /// The message stream it belongs to; 0 for the connection itself.
    pub stream: u32,
    /// Milliseconds; wraps at 2^32.
    pub timestamp_ms: u32,
    /// Its body.
    pub payload: Bytes,
}

impl Message {
    /// What it is.
    pub const fn kind(&self) -> MessageKind {
        MessageKind::from_number(self.number)
    }

    /// The first four bytes as a number, the way all control messages begin.
    pub(super) fn control_value(&self) -> Option<u32> {
        self.payload.first_chunk().copied().map(u32::from_be_bytes)
    }
}
