//! The fuzzer's way in: tests outside of the crate see no decoder.

use bytes::Bytes;

use super::{Decoder, Event, Violation};

/// What a client's bytes give when they come in pieces of so many bytes: of each event its opcode and payload, and the
/// close code a violation deserves.
#[doc(hidden)]
pub fn read_frames(bytes: &[u8], piece_bytes: usize, message_bytes_max: usize) -> (Vec<(u8, Bytes)>, Option<u16>) {
    let (mut decoder, mut events) = (Decoder::new(message_bytes_max), Vec::new());
    for piece in bytes.chunks(piece_bytes.max(1)) {
        let fed = decoder.feed(&mut piece.to_vec(), |event| {
            events.push(match event {
                Event::Text(text) => (0x1, text),
                Event::Binary(bytes) => (0x2, bytes),
                Event::Close(code) => (0x8, Bytes::from_iter(code.into_iter().flat_map(u16::to_be_bytes))),
                Event::Ping(payload) => (0x9, payload),
                Event::Pong => (0xa, Bytes::new()),
            });
        });
        match fed {
            Ok(()) => {}
            Err(Violation::Protocol(_)) => return (events, Some(1002)),
            Err(Violation::NotUtf8) => return (events, Some(1007)),
            Err(Violation::TooLong) => return (events, Some(1009)),
        }
    }
    (events, None)
}
