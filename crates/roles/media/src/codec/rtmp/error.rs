//! What can be wrong with a peer's bytes. After any of these the connection is of no further use.

use super::limits::{CHUNK_BYTES_MAX, CHUNK_STREAMS_MAX};
use crate::codec::amf0::AmfError;

/// Why a peer cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RtmpError {
    /// The first byte is not that of plain RTMP.
    #[error("the peer speaks version {0} of the handshake; plain RTMP is 3")]
    Version(u8),
    /// A chunk that leans on a header its chunk stream never had.
    #[error("chunk stream {0} begins without a full header")]
    NoHeader(u32),
    /// A header where the rest of a message was due.
    #[error("chunk stream {0} begins a message before its last one is whole")]
    Unfinished(u32),
    /// More chunk streams than the limit.
    #[error("more than {CHUNK_STREAMS_MAX} chunk streams")]
    TooManyChunkStreams,
    /// A chunk size outside the limits.
    #[error("a chunk size of {0} bytes; 1 to {CHUNK_BYTES_MAX} are allowed")]
    ChunkSize(u32),
    /// A message, or all unfinished messages together, above the limit.
    #[error("a message of {bytes} bytes; {max} are allowed, all unfinished ones together")]
    MessageTooLarge {
        /// What it would have needed.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A control message too short for its kind.
    #[error("a control message of kind {0} is cut off")]
    ControlTruncated(u8),
    /// A command that is not AMF0.
    #[error("a command cannot be read: {0}")]
    Command(#[from] AmfError),
    /// A command above the limit.
    #[error("a command of {0} bytes; {max} are allowed", max = super::limits::AMF_BYTES_MAX)]
    CommandTooLarge(usize),
    /// A command that makes no sense yet.
    #[error("{0:?} before \"connect\"")]
    NotConnected(String),
    /// Aggregate messages, which no encoder of today sends.
    #[error("aggregate messages are not supported")]
    Aggregate,
}
