//! NATS's protocol inside binary WebSocket frames.

use std::io;

use memchr::memmem;

use super::{Dialect, Part, Said};
use crate::bench::realtime::frames::{self, BINARY, CLOSE, Frame};

pub(crate) struct Nats;

impl Dialect for Nats {
    const ACKNOWLEDGES: bool = false;

    fn path(&self, _: &Part, _: &str) -> Option<String> {
        Some("/".to_owned())
    }

    fn greeting(&self, part: &Part, room: &str) -> Vec<u8> {
        let subscribe = if *part == Part::Sender { String::new() } else { format!("SUB {room} 1\r\n") };
        let text = format!("CONNECT {{\"verbose\":false,\"pedantic\":false,\"echo\":true}}\r\n{subscribe}PING\r\n");
        let mut frame = Vec::new();
        frames::append_masked(&mut frame, BINARY, text.as_bytes());
        frame
    }

    fn send(&self, room: &str, _: usize, payload: &[u8], out: &mut Vec<u8>) {
        let mut text = format!("PUB {room} {}\r\n", payload.len()).into_bytes();
        text.extend_from_slice(payload);
        text.extend_from_slice(b"\r\n");
        frames::append_masked(out, BINARY, &text);
    }

    fn read(&self, _: &mut usize, buffer: &mut [u8], mut said: impl FnMut(Said<'_>)) -> io::Result<usize> {
        let mut at = 0;
        while let Some(frame) = Frame::read(buffer, at)? {
            let payload = &buffer[frame.payload.clone()];
            at = frame.payload.end;
            if frame.opcode == CLOSE {
                said(Said::Refused(payload));
            } else {
                messages(payload, &mut said)?;
            }
        }
        Ok(at)
    }
}

/// The server puts whole messages into each frame.
fn messages(mut rest: &[u8], said: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
    while let Some(end) = memmem::find(rest, b"\r\n") {
        let (line, behind) = (&rest[..end], &rest[end + 2..]);
        rest = behind;
        if line.starts_with(b"MSG ") {
            let length =
                line.rsplit(|byte| *byte == b' ').next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
            let payload = length.and_then(|length: usize| behind.split_at_checked(length + 2));
            let Some((payload, after)) = payload else {
                return Err(io::Error::other("half a message of NATS in a frame"));
            };
            said(Said::Message { payload: &payload[..payload.len() - 2], offset: None });
            rest = after;
        } else if line == b"PONG" {
            said(Said::Ready(""));
        } else if line == b"PING" {
            said(Said::Ping(b"PONG\r\n"));
        } else if line.starts_with(b"-ERR") {
            said(Said::Refused(line));
        }
    }
    Ok(())
}
