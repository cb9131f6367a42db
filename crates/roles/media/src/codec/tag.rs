//! One audio, video or data message. RTMP carries the bodies of FLV tags under the same numbers, so both share it.

use bytes::Bytes;

/// What a tag carries (FLV 10.1 section E.4.1; RTMP 1.0 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// AMF0 data such as `onMetaData`.
    Data,
}

impl TagKind {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Data => 18,
        }
    }

    /// The kind of a number on the wire, if it is one of the three.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Data),
            _ => None,
        }
    }
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What it carries.
    pub kind: TagKind,
    /// Decoding time in milliseconds; wraps at 2^32.
    pub timestamp_ms: u32,
    /// The tag's body, codec header first.
    pub body: Bytes,
}
