//! Frames from the server (RFC 6455 §5.2): never masked, never fragmented.

use bytes::Bytes;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
    Ping,
    Pong,
    Close,
}

const FIN: u8 = 0x80;
/// Bytes of a control frame's payload at the most (§5.5).
pub(super) const CONTROL_BYTES_MAX: usize = 125;

impl Kind {
    fn opcode(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }
}

/// A message as a frame: written once, for as many clients as get it.
#[derive(Debug, Clone)]
pub(crate) struct Framed {
    bytes: Bytes,
    payload_bytes: usize,
}

impl Framed {
    /// Frames a payload.
    pub(crate) fn new(kind: Kind, payload: &[u8]) -> Self {
        Self { bytes: frame(kind, payload), payload_bytes: payload.len() }
    }

    /// The whole frame.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What it carries.
    #[cfg(test)]
    pub(crate) fn payload(&self) -> &[u8] {
        self.bytes.get(self.bytes.len() - self.payload_bytes..).unwrap_or_default()
    }

    /// How many bytes it carries.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }
}

/// One frame with this payload. A text is the caller's promise that it is UTF-8.
pub(crate) fn frame(kind: Kind, payload: &[u8]) -> Bytes {
    frame_of(kind, payload.len(), |out| out.extend_from_slice(payload))
}

/// One frame whose payload of exactly `length` bytes is written by `payload`.
pub(crate) fn frame_of(kind: Kind, length: usize, payload: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let head_bytes = match length {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    // Exactly: what has no room to spare becomes `Bytes` as it is.
    let mut out = Vec::with_capacity(head_bytes + length);
    out.push(FIN | kind.opcode());
    match length {
        0..=125 => out.push(length as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    debug_assert_eq!(out.len(), head_bytes);
    payload(&mut out);
    debug_assert_eq!(out.len(), head_bytes + length, "the head says how long the payload is");
    out.into()
}

/// A close frame; the reason is cut to what fits, at a character's end.
pub(crate) fn close(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(CONTROL_BYTES_MAX - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = reason.get(..end).unwrap_or_default();
    frame_of(Kind::Close, 2 + reason.len(), |out| {
        out.extend_from_slice(&code.to_be_bytes());
        out.extend_from_slice(reason.as_bytes());
    })
}
