//! WebSocket frames (RFC 6455 §5) and handshakes, as far as a load and a bare server need them: whole messages of one frame.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// No frame of a measurement is longer.
const PAYLOAD_MAX: usize = 16 << 20;
const MASK: [u8; 4] = [0x5a, 0xc3, 0x96, 0x0f];
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One frame in a buffer.
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    /// Where its payload begins and ends.
    pub(crate) payload: std::ops::Range<usize>,
    mask: Option<[u8; 4]>,
}

impl Frame {
    /// The frame that begins at `at`, once all of it is there.
    pub(crate) fn read(buffer: &[u8], at: usize) -> io::Result<Option<Self>> {
        let Some(&[first, second]) = buffer.get(at..at + 2) else { return Ok(None) };
        let mut begin = at + 2;
        let length = match second & 0x7f {
            126 => {
                let Some(&[a, b]) = buffer.get(begin..begin + 2) else { return Ok(None) };
                begin += 2;
                usize::from(u16::from_be_bytes([a, b]))
            }
            127 => {
                let Some(bytes) = buffer.get(begin..begin + 8) else { return Ok(None) };
                begin += 8;
                bytes.iter().fold(0_usize, |length, byte| length.saturating_mul(256).saturating_add((*byte).into()))
            }
            short => short.into(),
        };
        if length > PAYLOAD_MAX {
            return Err(io::Error::other(format!("a frame of {length} bytes")));
        }
        let mut mask = None;
        if second & 0x80 != 0 {
            let Some(&[a, b, c, d]) = buffer.get(begin..begin + 4) else { return Ok(None) };
            begin += 4;
            mask = Some([a, b, c, d]);
        }
        let payload = begin..begin + length;
        Ok((payload.end <= buffer.len()).then_some(Self { opcode: first & 0x0f, payload, mask }))
    }

    /// Takes the mask off the payload, where it lies.
    pub(crate) fn unmask(&self, buffer: &mut [u8]) {
        let (Some(mask), Some(payload)) = (self.mask, buffer.get_mut(self.payload.clone())) else { return };
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// Appends a frame as a server sends it.
pub(crate) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    head(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends a frame as a client sends it.
pub(crate) fn append_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    head(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

fn head(out: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => out.push(masked | short),
        (_, Ok(middle)) => {
            out.push(masked | 126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// A client's request to open a WebSocket.
pub(crate) fn request(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// The answer to such a request.
pub(crate) fn answer(request: &[u8]) -> io::Result<Vec<u8>> {
    let text = String::from_utf8_lossy(request);
    let header = text.lines().filter_map(|line| line.split_once(':'));
    let mut keys = header.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let (_, key) = keys.next().ok_or_else(|| io::Error::other("a request without a key for a WebSocket"))?;
    let accept = STANDARD.encode(Sha1::new().chain_update(key.trim()).chain_update(GUID).finalize());
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
    )
    .into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_read_again_and_not_before_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|number: usize| number as u8).collect();
            let mut bytes = vec![0; 3];
            append_masked(&mut bytes, TEXT, &payload);
            assert!(Frame::read(&bytes[..bytes.len() - 1], 3).unwrap().is_none(), "{length}");
            let frame = Frame::read(&bytes, 3).unwrap().unwrap();
            frame.unmask(&mut bytes);
            assert_eq!((frame.opcode, &bytes[frame.payload]), (TEXT, &payload[..]));
        }
    }

    #[test]
    fn the_handshake_is_the_one_of_the_standard() {
        let answer = String::from_utf8(answer(&request("/")).unwrap()).unwrap();
        assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    }
}
