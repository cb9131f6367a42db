//! Redis's publish and subscribe over TCP (RESP 2).

use std::io;

use memchr::memmem;

use super::{Dialect, Part, Said};

pub(crate) struct Redis;

impl Dialect for Redis {
    const ACKNOWLEDGES: bool = true;

    fn path(&self, _: &Part, _: &str) -> Option<String> {
        None
    }

    fn greeting(&self, part: &Part, room: &str) -> Vec<u8> {
        match part {
            Part::Sender => b"PING\r\n".to_vec(),
            Part::Viewer(_) => format!("SUBSCRIBE {room}\r\n").into_bytes(),
        }
    }

    fn send(&self, room: &str, _: usize, payload: &[u8], out: &mut Vec<u8>) {
        let head = format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{room}\r\n${}\r\n", room.len(), payload.len());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    fn read(&self, _: &mut usize, buffer: &mut [u8], mut said: impl FnMut(Said<'_>)) -> io::Result<usize> {
        let mut at = 0;
        while let Some((what, end)) = value(buffer, at)? {
            match what {
                Value::Message(payload) => said(Said::Message { payload: &buffer[payload], offset: None }),
                Value::Subscribed => said(Said::Ready("")),
                Value::Simple if buffer[at..].starts_with(b"+PONG") => said(Said::Ready("")),
                Value::Simple if buffer[at] == b'-' => said(Said::Refused(&buffer[at..end])),
                Value::Simple => said(Said::Acknowledged(None)),
            }
            at = end;
        }
        Ok(at)
    }
}

enum Value {
    Message(std::ops::Range<usize>),
    Subscribed,
    Simple,
}

/// The value that begins at `at`, once it is whole, and where it ends.
fn value(buffer: &[u8], at: usize) -> io::Result<Option<(Value, usize)>> {
    let Some(line_end) = line_end(buffer, at) else { return Ok(None) };
    if buffer[at] != b'*' {
        return Ok(Some((Value::Simple, line_end)));
    }
    let (Some(kind), Some(room)) =
        (bulk(buffer, line_end), bulk(buffer, line_end).and_then(|kind| bulk(buffer, kind.1)))
    else {
        return Ok(None);
    };
    if &buffer[kind.0..kind.1 - 2] == b"subscribe" {
        return Ok(self::line_end(buffer, room.1).map(|end| (Value::Subscribed, end)));
    }
    Ok(bulk(buffer, room.1).map(|payload| (Value::Message(payload.0..payload.1 - 2), payload.1)))
}

fn line_end(buffer: &[u8], at: usize) -> Option<usize> {
    memmem::find(buffer.get(at..)?, b"\r\n").map(|length| at + length + 2)
}

/// A bulk string from its first byte to behind its line break.
fn bulk(buffer: &[u8], at: usize) -> Option<(usize, usize)> {
    let begin = line_end(buffer, at)?;
    let length: usize = std::str::from_utf8(buffer.get(at + 1..begin - 2)?).ok()?.parse().ok()?;
    (buffer.len() >= begin + length + 2).then_some((begin, begin + length + 2))
}
