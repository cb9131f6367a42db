//! nginx with nchan: viewers are WebSockets whose frames are messages, senders speak HTTP/1.1 and do not wait for an answer
//! before they send the next request.

use std::{io, ops::Range};

use memchr::memmem;

use super::{Dialect, Part, Said};
use crate::bench::realtime::{
    frames::{BINARY, CLOSE, Frame, TEXT},
    payload::digits,
};

/// What an answer begins with; a frame of a server begins with a byte that is no letter.
const HTTP: &[u8] = b"HTTP/1.1 ";
const HEAD_BYTES_MAX: usize = 16 * 1024;

pub(crate) struct Nchan;

impl Dialect for Nchan {
    const ACKNOWLEDGES: bool = true;

    fn path(&self, part: &Part, room: &str) -> Option<String> {
        (*part != Part::Sender).then(|| format!("/sub?id={room}"))
    }

    fn greeting(&self, _: &Part, _: &str) -> Vec<u8> {
        Vec::new()
    }

    fn send(&self, room: &str, _: usize, payload: &[u8], out: &mut Vec<u8>) {
        let length = payload.len();
        let head = format!("POST /pub?id={room} HTTP/1.1\r\nhost: bench\r\ncontent-length: {length}\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(payload);
    }

    fn read(&self, _: &mut usize, buffer: &mut [u8], mut said: impl FnMut(Said<'_>)) -> io::Result<usize> {
        let mut at = 0;
        while let Some(first) = buffer.get(at) {
            if *first == HTTP[0] {
                let Some(answer) = Answer::read(buffer, at)? else { break };
                at = answer.whole.end;
                said(if answer.accepted { Said::Acknowledged(None) } else { Said::Refused(&buffer[answer.whole]) });
            } else {
                let Some(frame) = Frame::read(buffer, at)? else { break };
                at = frame.payload.end;
                let payload = &buffer[frame.payload];
                match frame.opcode {
                    TEXT | BINARY => said(Said::Message { payload, offset: None }),
                    CLOSE => said(Said::Refused(payload)),
                    _ => {}
                }
            }
        }
        Ok(at)
    }
}

/// An answer to a request.
struct Answer {
    whole: Range<usize>,
    /// 201: the message went to viewers; 202: there was nobody, it is kept for those who come.
    accepted: bool,
}

impl Answer {
    /// The answer that begins at `at`, once all of it is there.
    fn read(buffer: &[u8], at: usize) -> io::Result<Option<Self>> {
        let rest = &buffer[at..];
        let Some(head) = memmem::find(rest, b"\r\n\r\n") else {
            return if rest.len() > HEAD_BYTES_MAX {
                Err(io::Error::other("no end of an answer's head"))
            } else {
                Ok(None)
            };
        };
        let status = rest.strip_prefix(HTTP).and_then(|rest| digits(rest.get(..3)?));
        let (Some(status), Some(length)) = (status, content_length(&rest[..head + 2])) else {
            let line = String::from_utf8_lossy(&rest[..head.min(100)]).into_owned();
            return Err(io::Error::other(format!("an answer without a status or a length: {line}")));
        };
        let whole = at..at + head + 4 + length;
        Ok((whole.end <= buffer.len()).then_some(Self { whole, accepted: matches!(status, 201 | 202) }))
    }
}

/// The length of the body, as the head says it.
fn content_length(head: &[u8]) -> Option<usize> {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut lengths =
        lines.filter_map(|line| line.split_once(':')).filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next()?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::realtime::frames;

    const ACCEPTED: &str =
        "HTTP/1.1 201 Created\r\nServer: nginx\r\nContent-Length: 22\r\n\r\nqueued messages: 1\r\n\r\n";
    const FULL: &str = "HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 4\r\n\r\nfull";

    /// Reads what arrives in these pieces, and tells what was said.
    fn read(pieces: &[&[u8]]) -> io::Result<Vec<String>> {
        let (mut unread, mut told) = (Vec::new(), Vec::new());
        for piece in pieces {
            unread.extend_from_slice(piece);
            let end = Nchan.read(&mut 0, &mut unread, |said| {
                told.push(match said {
                    Said::Message { payload, .. } => String::from_utf8_lossy(payload).into_owned(),
                    Said::Refused(why) => format!("refused: {}", String::from_utf8_lossy(why)),
                    other => format!("{other:?}"),
                })
            })?;
            unread.drain(..end);
        }
        assert!(unread.is_empty(), "{}", String::from_utf8_lossy(&unread));
        Ok(told)
    }

    #[test]
    fn answers_and_frames_are_read_wherever_they_are_split() {
        let mut viewer = Vec::new();
        for (opcode, payload) in [(TEXT, "one"), (frames::PING, ""), (TEXT, "two"), (CLOSE, "bye")] {
            frames::append(&mut viewer, opcode, payload.as_bytes());
        }
        let sender = [ACCEPTED, &ACCEPTED.replace("201 Created", "202 Accepted"), FULL, ACCEPTED].concat().into_bytes();
        let acknowledged = "Acknowledged(None)";
        let refused = format!("refused: {FULL}");
        for (bytes, wanted) in [
            (viewer, vec!["one", "two", "refused: bye"]),
            (sender, vec![acknowledged, acknowledged, &refused, acknowledged]),
        ] {
            assert_eq!(read(&[&bytes]).unwrap(), wanted);
            for (first, second) in (0..=bytes.len()).map(|end| bytes.split_at(end)) {
                assert_eq!(read(&[first, second]).unwrap(), wanted, "split behind {}", first.len());
            }
            assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()).unwrap(), wanted, "byte by byte");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_understood_is_an_error() {
        for answer in
            ["HTTP/1.1 201 Created\r\n\r\n", "HTTP/2 201\r\ncontent-length: 0\r\n\r\n", &"H".repeat(HEAD_BYTES_MAX + 1)]
        {
            assert!(read(&[answer.as_bytes()]).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_message_is_a_request_of_its_own() {
        let mut sent = Vec::new();
        Nchan.send("room", 7, b"hello", &mut sent);
        assert_eq!(sent, b"POST /pub?id=room HTTP/1.1\r\nhost: bench\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(Nchan.path(&Part::Viewer(None), "room").as_deref(), Some("/sub?id=room"));
        assert_eq!(Nchan.path(&Part::Sender, "room"), None);
    }
}
