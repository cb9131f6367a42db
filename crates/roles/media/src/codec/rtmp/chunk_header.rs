//! The header of one chunk (RTMP 1.0 sections 5.3.1.1 to 5.3.1.3).

/// Basic header (3), message header (11) and extended timestamp (4).
pub(super) const HEADER_BYTES_MAX: usize = 18;
const EXTENDED: u32 = 0x00ff_ffff;

/// The fields of one chunk header; those its format leaves out are `None`.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) id: u32,
    pub(super) format: u8,
    pub(super) timestamp: Option<u32>,
    pub(super) length_and_number: Option<(usize, u8)>,
    pub(super) stream: Option<u32>,
    pub(super) extended: Option<u32>,
}

/// How long the header is, as far as its beginning tells; equal to `have.len()` once it is whole. `is_extended` says
/// whether the last header of a chunk stream had an extended timestamp, which a bare one then has too.
pub(super) fn bytes_needed(have: &[u8], is_extended: impl FnOnce(u32) -> bool) -> usize {
    let Some(&first) = have.first() else { return 1 };
    let basic = basic_header_bytes(first);
    let fixed = basic + message_header_bytes(first);
    if have.len() < fixed {
        return fixed;
    }
    let extended = match timestamp_field(have, basic) {
        Some(timestamp) => timestamp == EXTENDED,
        None => is_extended(chunk_stream_id(have)),
    };
    fixed + if extended { 4 } else { 0 }
}

pub(super) fn parse(header: &[u8]) -> Header {
    let first = header.first().copied().unwrap_or_default();
    let (format, basic) = (first >> 6, basic_header_bytes(first));
    let fixed = basic + message_header_bytes(first);
    let length_and_number = header.get(basic + 3..basic + 7).filter(|_| format < 2);
    let stream = header.get(basic + 7..basic + 11).filter(|_| format == 0);
    Header {
        id: chunk_stream_id(header),
        format,
        timestamp: timestamp_field(header, basic),
        length_and_number: length_and_number
            .map(|field| (usize::from(field[0]) << 16 | usize::from(field[1]) << 8 | usize::from(field[2]), field[3])),
        stream: stream.and_then(|field| field.first_chunk().copied()).map(u32::from_le_bytes),
        extended: header.get(fixed..).and_then(|field| field.first_chunk().copied()).map(u32::from_be_bytes),
    }
}

const fn basic_header_bytes(first: u8) -> usize {
    match first & 0x3f {
        0 => 2,
        1 => 3,
        _ => 1,
    }
}

const fn message_header_bytes(first: u8) -> usize {
    match first >> 6 {
        0 => 11,
        1 => 7,
        2 => 3,
        _ => 0,
    }
}

fn chunk_stream_id(header: &[u8]) -> u32 {
    match header {
        [first, low, ..] if first & 0x3f == 0 => 64 + u32::from(*low),
        [first, low, high, ..] if first & 0x3f == 1 => 64 + u32::from(*low) + 256 * u32::from(*high),
        [first, ..] => u32::from(first & 0x3f),
        [] => 0,
    }
}

/// The 24-bit timestamp or delta; format 3 has none.
fn timestamp_field(header: &[u8], basic: usize) -> Option<u32> {
    let first = header.first()?;
    let field = header.get(basic..basic + 3)?;
    (first >> 6 != 3).then(|| u32::from(field[0]) << 16 | u32::from(field[1]) << 8 | u32::from(field[2]))
}
