//! Puts the messages of interleaved chunk streams together again (RTMP 1.0 section 5.3).
//!
//! Promise: each payload byte is copied once, from the caller's read buffer into the message's own memory, which grows
//! with what has arrived and not with what was announced. Set Chunk Size and Abort are obeyed here and not passed on.

use bytes::Bytes;

use super::{
    RtmpError,
    chunk_header::{self, HEADER_BYTES_MAX, Header},
    limits::{CHUNK_BYTES_MAX, CHUNK_STREAMS_MAX, MESSAGE_BYTES_BEFORE_PUBLISH_MAX},
    message::{Message, MessageKind},
};

/// What is reserved at once for an announced message; the rest follows as bytes come.
const FIRST_RESERVE_BYTES: usize = 64 * 1024;

/// Reads chunks.
#[derive(Debug)]
pub struct ChunkReader {
    streams: Vec<ChunkStream>,
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    open: Option<OpenChunk>,
    chunk_bytes: usize,
    message_bytes_max: usize,
    unfinished_bytes: usize,
}

/// What is known of a chunk stream from its last header, and the message it carries at the moment.
#[derive(Debug)]
struct ChunkStream {
    id: u32,
    timestamp_ms: u32,
    /// What a header without a timestamp adds; the absolute time after a full header, as section 5.3.1.2.4 wants it.
    step_ms: u32,
    step_is_absolute: bool,
    extended: bool,
    length: usize,
    number: u8,
    stream: u32,
    /// The message under way; none between messages.
    payload: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct OpenChunk {
    index: usize,
    remaining: usize,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            streams: Vec::new(),
            header: [0; HEADER_BYTES_MAX],
            header_bytes: 0,
            open: None,
            chunk_bytes: 128,
            message_bytes_max: MESSAGE_BYTES_BEFORE_PUBLISH_MAX,
            unfinished_bytes: 0,
        }
    }
}

impl ChunkReader {
    /// Sets the limit of a message, and of all unfinished ones together.
    pub fn set_message_bytes_max(&mut self, bytes: usize) {
        self.message_bytes_max = bytes;
    }

    /// Takes bytes off the front of `input` until a message is whole; `None` when they are all taken.
    ///
    /// # Errors
    /// [`RtmpError`] on bytes that break the protocol or a limit; the reader is of no further use then.
    pub fn next_message(&mut self, input: &mut &[u8]) -> Result<Option<Message>, RtmpError> {
        loop {
            let chunk = match self.open {
                Some(chunk) => chunk,
                None => match self.read_header(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            let taken = self.read_payload(chunk, input)?;
            let remaining = chunk.remaining - taken;
            if remaining > 0 {
                self.open = Some(OpenChunk { remaining, ..chunk });
                return Ok(None);
            }
            self.open = None;
            if let Some(message) = self.finish(chunk.index)
                && let Some(message) = self.obey(message)?
            {
                return Ok(Some(message));
            }
        }
    }

    fn read_payload(&mut self, chunk: OpenChunk, input: &mut &[u8]) -> Result<usize, RtmpError> {
        let Some(stream) = self.streams.get_mut(chunk.index) else { return Ok(0) };
        let Some(payload) = &mut stream.payload else { return Ok(0) };
        let (bytes, rest) = input.split_at(chunk.remaining.min(input.len()));
        self.unfinished_bytes += bytes.len();
        if self.unfinished_bytes > self.message_bytes_max {
            return Err(RtmpError::MessageTooLarge { bytes: self.unfinished_bytes, max: self.message_bytes_max });
        }
        if payload.capacity() - payload.len() < bytes.len() {
            let wanted = (payload.capacity() * 2).clamp(payload.len() + bytes.len(), stream.length);
            payload.reserve_exact(wanted - payload.len());
        }
        payload.extend_from_slice(bytes);
        *input = rest;
        Ok(bytes.len())
    }

    fn finish(&mut self, index: usize) -> Option<Message> {
        let stream = self.streams.get_mut(index)?;
        let payload = stream.payload.take_if(|payload| payload.len() == stream.length)?;
        self.unfinished_bytes -= payload.len();
        Some(Message {
            number: stream.number,
            stream: stream.stream,
            timestamp_ms: stream.timestamp_ms,
            payload: Bytes::from(payload),
        })
    }

    fn obey(&mut self, message: Message) -> Result<Option<Message>, RtmpError> {
        let kind = message.kind();
        if !matches!(kind, MessageKind::SetChunkSize | MessageKind::Abort) {
            return Ok(Some(message));
        }
        let value = message.control_value().ok_or(RtmpError::ControlTruncated(message.number))?;
        if kind == MessageKind::Abort {
            if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == value) {
                self.unfinished_bytes -= stream.payload.take().map_or(0, |payload| payload.len());
            }
        } else if (1..=CHUNK_BYTES_MAX).contains(&(value as usize)) {
            self.chunk_bytes = value as usize;
        } else {
            return Err(RtmpError::ChunkSize(value));
        }
        Ok(None)
    }

    /// Collects a header byte by byte as far as `input` goes, and applies it once it is whole.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<Option<OpenChunk>, RtmpError> {
        loop {
            let is_extended = |id| self.streams.iter().any(|stream| stream.id == id && stream.extended);
            let needed = chunk_header::bytes_needed(&self.header[..self.header_bytes], is_extended);
            let missing = needed - self.header_bytes;
            if missing == 0 {
                break;
            }
            let (bytes, rest) = input.split_at(missing.min(input.len()));
            self.header[self.header_bytes..self.header_bytes + bytes.len()].copy_from_slice(bytes);
            self.header_bytes += bytes.len();
            *input = rest;
            if bytes.len() < missing {
                return Ok(None);
            }
        }
        let header = chunk_header::parse(&self.header[..self.header_bytes]);
        self.header_bytes = 0;
        self.apply(&header).map(Some)
    }

    fn apply(&mut self, header: &Header) -> Result<OpenChunk, RtmpError> {
        let index = self.stream_index(header)?;
        let stream = &mut self.streams[index];
        if stream.payload.is_none() {
            stream.begin(header);
            if stream.length > self.message_bytes_max {
                return Err(RtmpError::MessageTooLarge { bytes: stream.length, max: self.message_bytes_max });
            }
            stream.payload = Some(Vec::with_capacity(stream.length.min(FIRST_RESERVE_BYTES)));
        } else if header.format != 3 {
            return Err(RtmpError::Unfinished(header.id));
        }
        let missing = stream.length - stream.payload.as_ref().map_or(0, Vec::len);
        Ok(OpenChunk { index, remaining: missing.min(self.chunk_bytes) })
    }

    /// Where the header's chunk stream is kept. A new one may begin with format 1 too, because librtmp's pings do.
    fn stream_index(&mut self, header: &Header) -> Result<usize, RtmpError> {
        if let Some(index) = self.streams.iter().position(|stream| stream.id == header.id) {
            return Ok(index);
        }
        if header.length_and_number.is_none() {
            return Err(RtmpError::NoHeader(header.id));
        }
        if self.streams.len() >= CHUNK_STREAMS_MAX {
            return Err(RtmpError::TooManyChunkStreams);
        }
        self.streams.push(ChunkStream {
            id: header.id,
            timestamp_ms: 0,
            step_ms: 0,
            step_is_absolute: false,
            extended: false,
            length: 0,
            number: 0,
            stream: 0,
            payload: None,
        });
        Ok(self.streams.len() - 1)
    }
}

impl ChunkStream {
    /// Takes over what a message's first header says, and keeps the rest from the header before.
    fn begin(&mut self, header: &Header) {
        if let Some((length, number)) = header.length_and_number {
            (self.length, self.number) = (length, number);
        }
        if let Some(stream) = header.stream {
            self.stream = stream;
        }
        match header.timestamp {
            Some(timestamp) => {
                self.step_ms = header.extended.unwrap_or(timestamp);
                self.extended = header.extended.is_some();
                self.step_is_absolute = header.format == 0;
                self.timestamp_ms =
                    if header.format == 0 { self.step_ms } else { self.timestamp_ms.wrapping_add(self.step_ms) };
            }
            // A repeated extended absolute time is the time itself: nobody means a step of more than four hours.
            None if self.extended && self.step_is_absolute => {
                self.timestamp_ms = header.extended.unwrap_or(self.timestamp_ms);
            }
            None => self.timestamp_ms = self.timestamp_ms.wrapping_add(header.extended.unwrap_or(self.step_ms)),
        }
    }
}
