//! Cuts messages into chunks, with the shortest header that says enough (RTMP 1.0 section 5.3).

const EXTENDED: u32 = 0x00ff_ffff;

/// Writes chunks. Messages of one chunk stream are written whole, one after another.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_bytes: usize,
    streams: Vec<Last>,
}

/// The last message of a chunk stream, from which the next header counts.
#[derive(Debug, Clone, Copy)]
struct Last {
    chunk_stream: u8,
    number: u8,
    stream: u32,
    length: usize,
    timestamp_ms: u32,
    /// None after a full header, and where the step needed the extended field.
    step_ms: Option<u32>,
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self { chunk_bytes: 128, streams: Vec::new() }
    }
}

impl ChunkWriter {
    /// Announces and uses chunks of `bytes` (at least 1) from now on.
    pub fn set_chunk_bytes(&mut self, bytes: u32, output: &mut Vec<u8>) {
        let bytes = bytes.clamp(1, 0x00ff_ffff);
        self.write(output, 2, 1, 0, 0, &bytes.to_be_bytes());
        self.chunk_bytes = bytes as usize;
    }

    /// Appends a message to `output`. `chunk_stream` is 2 to 63; `payload` at most 16 MiB - 1, more is cut off.
    pub fn write(
        &mut self,
        output: &mut Vec<u8>,
        chunk_stream: u8,
        number: u8,
        stream: u32,
        timestamp_ms: u32,
        payload: &[u8],
    ) {
        let chunk_stream = chunk_stream.clamp(2, 63);
        let payload = payload.get(..0x00ff_ffff).unwrap_or(payload);
        let mut now = Last { chunk_stream, number, stream, length: payload.len(), timestamp_ms, step_ms: None };
        let known = self.streams.iter().position(|last| last.chunk_stream == chunk_stream);
        let last = known.and_then(|index| self.streams.get(index)).copied();
        output.reserve(payload.len() + 18 + 5 * (payload.len() / self.chunk_bytes));
        let extended = write_header(output, last, &mut now);
        let mut chunks = payload.chunks(self.chunk_bytes);
        output.extend_from_slice(chunks.next().unwrap_or_default());
        for chunk in chunks {
            output.push(3 << 6 | chunk_stream);
            if let Some(extended) = extended {
                output.extend_from_slice(&extended.to_be_bytes());
            }
            output.extend_from_slice(chunk);
        }
        match known.and_then(|index| self.streams.get_mut(index)) {
            Some(last) => *last = now,
            None => self.streams.push(now),
        }
    }
}

/// Writes a message's first header; gives the extended timestamp that its further chunks repeat.
fn write_header(output: &mut Vec<u8>, last: Option<Last>, now: &mut Last) -> Option<u32> {
    let step_ms = last
        .filter(|last| last.stream == now.stream)
        .map(|last| now.timestamp_ms.wrapping_sub(last.timestamp_ms))
        .filter(|step_ms| *step_ms < EXTENDED);
    now.step_ms = step_ms;
    let alike = last.is_some_and(|last| last.length == now.length && last.number == now.number);
    let repeats = step_ms.is_some() && last.is_some_and(|last| last.step_ms == step_ms);
    let (format, time) = match step_ms {
        Some(_) if alike && repeats => (3, 0),
        Some(step_ms) if alike => (2, step_ms),
        Some(step_ms) => (1, step_ms),
        None => (0, now.timestamp_ms),
    };
    output.push(format << 6 | now.chunk_stream);
    if format < 3 {
        output.extend_from_slice(&time.min(EXTENDED).to_be_bytes()[1..]);
    }
    if format < 2 {
        output.extend_from_slice(&(now.length as u32).to_be_bytes()[1..]);
        output.push(now.number);
    }
    if format < 1 {
        output.extend_from_slice(&now.stream.to_le_bytes());
    }
    let extended = (time >= EXTENDED).then_some(time);
    if let Some(extended) = extended {
        output.extend_from_slice(&extended.to_be_bytes());
    }
    extended
}
