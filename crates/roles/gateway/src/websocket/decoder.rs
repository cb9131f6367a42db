//! Bytes from a client to messages (RFC 6455 §5).

use bytes::Bytes;

use super::frame::CONTROL_BYTES_MAX;

/// Frames of one message at the most, or one for so many bytes as it may have: each costs the reader something, however short
/// it is.
const FRAGMENTS_MAX: usize = 1_024;
const BYTES_PER_FRAGMENT: usize = 64;
/// Bytes of the longest head of a masked frame.
const HEAD_BYTES_MAX: usize = 14;

/// What came from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A whole text message, checked to be UTF-8.
    Text(Bytes),
    /// A whole binary message.
    Binary(Bytes),
    /// To be answered with a pong that carries the same bytes.
    Ping(Bytes),
    Pong,
    /// The client says goodbye, perhaps with a code. Nothing follows.
    Close(Option<u16>),
}

/// What a client did that ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    /// It broke the framing: close code 1002.
    Protocol(&'static str),
    /// It sent text that is not UTF-8: close code 1007.
    NotUtf8,
    /// Its message is longer than allowed: close code 1009.
    TooLong,
}

/// Reads one client's frames.
#[derive(Debug)]
pub(crate) struct Decoder {
    message_bytes_max: usize,
    /// The head being read, as far as it has come.
    head: [u8; HEAD_BYTES_MAX],
    head_bytes: u8,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The message that has begun and not ended, with the opcode it began with.
    message: Option<Box<Message>>,
    /// The payload of a control frame that came in pieces.
    #[expect(clippy::box_collection, reason = "there is hardly ever one, and there are many decoders")]
    control: Option<Box<Vec<u8>>>,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: u8,
    last: bool,
    mask: [u8; 4],
    /// Bytes of the payload still to come.
    left: usize,
}

#[derive(Debug)]
struct Message {
    is_text: bool,
    fragments: usize,
    bytes: Vec<u8>,
    /// Of a text, so many are known to be UTF-8; those behind them may become a character.
    checked: usize,
}

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

impl Decoder {
    /// A decoder for messages of at most `message_bytes_max` bytes.
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            head: [0; HEAD_BYTES_MAX],
            head_bytes: 0,
            frame: None,
            message: None,
            control: None,
            closed: false,
        }
    }

    /// Takes what was read next, whose bytes it changes, and tells what that completes. Nothing may be fed after an
    /// error; after a goodbye everything is ignored.
    pub(crate) fn feed(&mut self, mut input: &mut [u8], mut event: impl FnMut(Event)) -> Result<(), Violation> {
        while !self.closed {
            let Some(frame) = self.frame else {
                let taken = self.take_head(input)?;
                input = input.split_at_mut(taken).1;
                // Without a whole head all of the input is in it.
                if self.frame.is_none() {
                    return Ok(());
                }
                continue;
            };
            if input.is_empty() && frame.left > 0 {
                return Ok(());
            }
            let (now, rest) = input.split_at_mut(frame.left.min(input.len()));
            input = rest;
            self.take_payload(frame, now, &mut event)?;
        }
        Ok(())
    }

    /// Takes bytes of a head; how many it took. The frame is set when the head is whole.
    fn take_head(&mut self, input: &[u8]) -> Result<usize, Violation> {
        let mut taken = 0;
        for byte in input {
            let Some(place) = self.head.get_mut(usize::from(self.head_bytes)) else { break };
            *place = *byte;
            self.head_bytes += 1;
            taken += 1;
            let [first, second, ..] = self.head;
            if self.head_bytes == 2 {
                self.check_head(first, second)?;
            }
            if self.head_bytes >= 2 && usize::from(self.head_bytes) == head_length(second) {
                self.begin(first, second)?;
                break;
            }
        }
        Ok(taken)
    }

    /// What can be said of a frame after its first two bytes.
    fn check_head(&self, first: u8, second: u8) -> Result<(), Violation> {
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 {
            return Err(Violation::Protocol("reserved bits are set"));
        }
        if second & 0x80 == 0 {
            return Err(Violation::Protocol("a client's frame is not masked"));
        }
        match opcode {
            CLOSE | PING | PONG if !last => Err(Violation::Protocol("a control frame is fragmented")),
            CLOSE | PING | PONG if usize::from(second & 0x7f) > CONTROL_BYTES_MAX => {
                Err(Violation::Protocol("a control frame is too long"))
            }
            CLOSE | PING | PONG => Ok(()),
            TEXT | BINARY if self.message.is_some() => Err(Violation::Protocol("a message begins inside another")),
            CONTINUATION if self.message.is_none() => Err(Violation::Protocol("nothing is there to be continued")),
            TEXT | BINARY | CONTINUATION => Ok(()),
            _ => Err(Violation::Protocol("an unknown opcode")),
        }
    }

    fn begin(&mut self, first: u8, second: u8) -> Result<(), Violation> {
        let head = self.head.get(..usize::from(self.head_bytes)).unwrap_or_default();
        let (lengths, mask) = head.split_last_chunk::<4>().ok_or(Violation::Protocol("a head without a mask"))?;
        let extended = lengths.get(2..).unwrap_or_default();
        let length = match second & 0x7f {
            126 | 127 => extended.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte)),
            short => u64::from(short),
        };
        match second & 0x7f {
            126 if length < 126 => return Err(Violation::Protocol("a length is not in its shortest form")),
            127 if length <= 0xffff || length >> 63 != 0 => {
                return Err(Violation::Protocol("a length is not in its shortest form"));
            }
            _ => {}
        }
        let opcode = first & 0x0f;
        let before = self.message.as_ref().map_or(0, |message| message.bytes.len());
        let room = self.message_bytes_max.saturating_sub(before) as u64;
        if matches!(opcode, TEXT | BINARY | CONTINUATION) && length > room {
            return Err(Violation::TooLong);
        }
        self.head_bytes = 0;
        self.frame = Some(Frame { opcode, last: first & 0x80 != 0, mask: *mask, left: length as usize });
        Ok(())
    }

    fn take_payload(
        &mut self,
        mut frame: Frame,
        bytes: &mut [u8],
        event: &mut impl FnMut(Event),
    ) -> Result<(), Violation> {
        unmask(bytes, frame.mask);
        frame.left -= bytes.len();
        frame.mask.rotate_left(bytes.len() % 4);
        self.frame = (frame.left > 0).then_some(frame);
        let ended = frame.left == 0;
        match frame.opcode {
            CLOSE | PING | PONG if ended => {
                let payload = match self.control.take() {
                    None => Bytes::copy_from_slice(bytes),
                    Some(begun) => [&begun[..], &*bytes].concat().into(),
                };
                self.control_frame(frame.opcode, payload, event)
            }
            CLOSE | PING | PONG => {
                self.control.get_or_insert_default().extend_from_slice(bytes);
                Ok(())
            }
            // The usual case: one frame, in one piece.
            TEXT | BINARY if ended && frame.last && self.message.is_none() => {
                whole(frame.opcode == TEXT, Bytes::copy_from_slice(bytes), event)
            }
            opcode => self.part(opcode, frame, bytes, event),
        }
    }

    /// Takes a part of a message that came in several.
    fn part(&mut self, opcode: u8, frame: Frame, bytes: &[u8], event: &mut impl FnMut(Event)) -> Result<(), Violation> {
        let message = self.message.get_or_insert_with(|| {
            let bytes = Vec::with_capacity(bytes.len());
            Box::new(Message { is_text: opcode == TEXT, fragments: 0, bytes, checked: 0 })
        });
        message.bytes.extend_from_slice(bytes);
        if message.is_text {
            message.check(frame.last && frame.left == 0)?;
        }
        if frame.left > 0 {
            // What remains of this frame continues the message, whatever began it.
            self.frame = Some(Frame { opcode: CONTINUATION, ..frame });
            return Ok(());
        }
        message.fragments += 1;
        if message.fragments > FRAGMENTS_MAX.max(self.message_bytes_max / BYTES_PER_FRAGMENT) {
            return Err(Violation::Protocol("a message has too many fragments"));
        }
        match self.message.take_if(|_| frame.last) {
            Some(message) if message.is_text => event(Event::Text(message.bytes.into())),
            Some(message) => event(Event::Binary(message.bytes.into())),
            None => {}
        }
        Ok(())
    }

    fn control_frame(&mut self, opcode: u8, payload: Bytes, event: &mut impl FnMut(Event)) -> Result<(), Violation> {
        match opcode {
            PING => event(Event::Ping(payload)),
            PONG => event(Event::Pong),
            _ => {
                let code = close_code(&payload)?;
                self.closed = true;
                event(Event::Close(code));
            }
        }
        Ok(())
    }
}

impl Message {
    /// Finds out at once when a text cannot become UTF-8 any more, whatever comes (§8.1).
    fn check(&mut self, ended: bool) -> Result<(), Violation> {
        match std::str::from_utf8(self.bytes.get(self.checked..).unwrap_or_default()) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() && !ended => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }
}

/// Tells of a message that came in one piece.
fn whole(is_text: bool, bytes: Bytes, event: &mut impl FnMut(Event)) -> Result<(), Violation> {
    if is_text {
        std::str::from_utf8(&bytes).map_err(|_| Violation::NotUtf8)?;
        event(Event::Text(bytes));
    } else {
        event(Event::Binary(bytes));
    }
    Ok(())
}

/// The code of a close frame's payload (§5.5.1, §7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::Protocol("half a close code")) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Protocol("a close code that may not be sent"));
    }
    std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(code))
}

/// Bytes of a head whose second byte is this one, the mask included.
fn head_length(second: u8) -> usize {
    match second & 0x7f {
        126 => 2 + 2 + 4,
        127 => 2 + 8 + 4,
        _ => 2 + 4,
    }
}

/// XORs the mask over the bytes (§5.3), eight at a time.
fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}
