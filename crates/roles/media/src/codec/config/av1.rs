//! AV1: the AV1CodecConfigurationRecord (AV1 in ISOBMFF section 2.3.3) and the sequence header OBU (AV1 sections 5.3,
//! 5.5).

use bytes::Bytes;

use super::{ConfigError, size};
use crate::{
    codec::bits::Bits,
    frame::{VideoCodec, VideoConfig},
};

const CODEC: &str = "AV1";
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
/// Marker bit and version 1.
const RECORD_VERSION: u8 = 0x81;

/// Reads the body of `av1C`, or OBUs with a sequence header, from which the record is then made.
///
/// # Errors
/// [`ConfigError`] when there is no whole sequence header; the size stands nowhere else.
pub fn read(record_or_units: Bytes) -> Result<VideoConfig, ConfigError> {
    let has_record = record_or_units.first() == Some(&RECORD_VERSION);
    let units = if has_record { record_or_units.get(4..) } else { record_or_units.get(..) };
    let unit = sequence_header(units.unwrap_or_default()).ok_or(ConfigError::Incomplete(CODEC))?;
    let header = parse(unit.payload).ok_or(ConfigError::Incomplete(CODEC))?;
    let (width, height) = size(CODEC, header.width, header.height)?;
    let record = if has_record { record_or_units } else { header.record(unit.payload) };
    let tier = if header.tier { 'H' } else { 'M' };
    let depth = header.bit_depth();
    let codec_string = format!("av01.{}.{:02}{tier}.{depth:02}", header.profile, header.level);
    Ok(VideoConfig { codec: VideoCodec::Av1, record, codec_string, width, height })
}

/// The coded picture without a leading temporal delimiter, which ISOBMFF samples leave out.
pub fn without_temporal_delimiter(mut units: Bytes) -> Bytes {
    while let Some((unit, rest)) = next_unit(&units) {
        if unit.kind != TEMPORAL_DELIMITER {
            break;
        }
        units = units.slice(units.len() - rest.len()..);
    }
    units
}

/// The first sequence header among these OBUs.
fn sequence_header(mut units: &[u8]) -> Option<Unit<'_>> {
    while let Some((unit, rest)) = next_unit(units) {
        if unit.kind == SEQUENCE_HEADER {
            return Some(unit);
        }
        units = rest;
    }
    None
}

struct Unit<'a> {
    kind: u8,
    payload: &'a [u8],
}

/// The OBU in front and what follows it; one without a size field reaches to the end.
fn next_unit(units: &[u8]) -> Option<(Unit<'_>, &[u8])> {
    let (&header, mut rest) = units.split_first()?;
    let (kind, extended, sized) = (header >> 3 & 0x0f, header & 4 != 0, header & 2 != 0);
    if header & 0x80 != 0 {
        return None;
    }
    if extended {
        rest = rest.get(1..)?;
    }
    if !sized {
        return Some((Unit { kind, payload: rest }, &[]));
    }
    let mut length = 0_u64;
    for shift in (0..56).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (payload, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            return Some((Unit { kind, payload }, after));
        }
    }
    None
}

#[derive(Debug, Default)]
struct SequenceHeader {
    profile: u8,
    level: u8,
    tier: bool,
    width: Option<u32>,
    height: Option<u32>,
    high_bit_depth: bool,
    twelve_bit: bool,
    monochrome: bool,
    subsampling_x: bool,
    subsampling_y: bool,
    chroma_position: u8,
}

impl SequenceHeader {
    const fn bit_depth(&self) -> u8 {
        match (self.high_bit_depth, self.twelve_bit) {
            (false, _) => 8,
            (true, false) => 10,
            (true, true) => 12,
        }
    }

    /// The record around a sequence header OBU of this payload.
    fn record(&self, payload: &[u8]) -> Bytes {
        let flag = |on: bool, shift: u8| u8::from(on) << shift;
        let picture = flag(self.tier, 7)
            | flag(self.high_bit_depth, 6)
            | flag(self.twelve_bit, 5)
            | flag(self.monochrome, 4)
            | flag(self.subsampling_x, 3)
            | flag(self.subsampling_y, 2)
            | self.chroma_position;
        let mut record = vec![RECORD_VERSION, self.profile << 5 | self.level, picture, 0, SEQUENCE_HEADER << 3 | 2];
        let mut length = payload.len();
        while length > 0x7f {
            record.push(length as u8 & 0x7f | 0x80);
            length >>= 7;
        }
        record.push(length as u8);
        record.extend_from_slice(payload);
        record.into()
    }
}

/// sequence_header_obu() of section 5.5.1, up to the color configuration.
fn parse(payload: &[u8]) -> Option<SequenceHeader> {
    let mut bits = Bits::new(payload);
    let mut header = SequenceHeader { profile: bits.read(3)? as u8, ..SequenceHeader::default() };
    bits.skip(1)?;
    let reduced = bits.flag()?;
    if reduced {
        header.level = bits.read(5)? as u8;
    } else {
        read_operating_points(&mut bits, &mut header)?;
    }
    let (width_bits, height_bits) = (bits.read(4)? + 1, bits.read(4)? + 1);
    header.width = bits.read(width_bits)?.checked_add(1);
    header.height = bits.read(height_bits)?.checked_add(1);
    if !reduced && bits.flag()? {
        bits.skip(7)?;
    }
    bits.skip(3)?;
    if !reduced {
        skip_tools(&mut bits)?;
    }
    bits.skip(3)?;
    read_color(&mut bits, &mut header)?;
    Some(header)
}

fn read_operating_points(bits: &mut Bits<'_>, header: &mut SequenceHeader) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.exp_golomb()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.read(5)? as usize + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let initial_delay = bits.flag()?;
    for point in 0..=bits.read(5)? {
        bits.skip(12)?;
        let level = bits.read(5)? as u8;
        let tier = level > 7 && bits.flag()?;
        if point == 0 {
            (header.level, header.tier) = (level, tier);
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if initial_delay && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Some(())
}

fn skip_tools(bits: &mut Bits<'_>) -> Option<()> {
    bits.skip(4)?;
    let order_hint = bits.flag()?;
    if order_hint {
        bits.skip(2)?;
    }
    let chosen_per_frame = bits.flag()?;
    let screen_content = chosen_per_frame || bits.flag()?;
    if screen_content && !bits.flag()? {
        bits.skip(1)?;
    }
    if order_hint {
        bits.skip(3)?;
    }
    Some(())
}

/// color_config() of section 5.5.2.
fn read_color(bits: &mut Bits<'_>, header: &mut SequenceHeader) -> Option<()> {
    const SRGB: (u32, u32, u32) = (1, 13, 0);
    header.high_bit_depth = bits.flag()?;
    header.twelve_bit = header.profile == 2 && header.high_bit_depth && bits.flag()?;
    header.monochrome = header.profile != 1 && bits.flag()?;
    let color = if bits.flag()? { (bits.read(8)?, bits.read(8)?, bits.read(8)?) } else { (2, 2, 2) };
    if header.monochrome {
        (header.subsampling_x, header.subsampling_y) = (true, true);
        return bits.skip(1);
    }
    if color == SRGB {
        return Some(());
    }
    bits.skip(1)?;
    (header.subsampling_x, header.subsampling_y) = match header.profile {
        0 => (true, true),
        1 => (false, false),
        _ if header.twelve_bit => {
            let x = bits.flag()?;
            (x, x && bits.flag()?)
        }
        _ => (true, false),
    };
    if header.subsampling_x && header.subsampling_y {
        header.chroma_position = bits.read(2)? as u8;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_sequence_header_gives_the_record_an_encoder_would_send() {
        // SVT-AV1, 640x360, main profile, 8 bits, level 2.1, as ffmpeg 9 publishes it.
        let record: &[u8] = &[
            0x81, 0x01, 0x0c, 0x00, 0x0a, 0x0c, 0x02, 0x00, 0x00, 0x0d, 0x66, 0x27, 0xfb, 0x38, 0x05, 0xf0, 0x00, 0x80,
        ];
        let whole = read(Bytes::from_static(record));
        let described = whole.clone().map(|config| (config.codec_string, config.width, config.height));
        assert_eq!(described, Ok(("av01.0.01M.08".into(), 640, 360)));
        let made = read(Bytes::from_static(&record[4..]));
        assert_eq!(made, whole);
        let delimited = [&[0x12, 0x00], &record[4..]].concat();
        assert_eq!(read(delimited.clone().into()), whole);
        assert_eq!(without_temporal_delimiter(delimited.into()), record[4..]);
    }
}
