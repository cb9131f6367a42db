//! WebSocket for servers (RFC 6455), without input or output of its own.
//!
//! Promise: the decoder is total (any bytes give events or the close code they deserve), takes input in whatever pieces it
//! comes, and holds memory only for a message that has begun and not ended: at most one message and one control frame.
//! Frames to clients are written once and can be shared, because servers do not mask. No extensions are spoken.

mod decoder;
mod frame;
mod fuzzing;
mod handshake;
#[cfg(test)]
mod tests;

pub(crate) use decoder::{Decoder, Event, Violation};
pub(crate) use frame::{Framed, Kind, close, frame};
pub use fuzzing::read_frames;
pub(crate) use handshake::{Handshake, NotWebSocket};
