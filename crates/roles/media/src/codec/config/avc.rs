//! H.264: the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1) and the head of its sequence parameter
//! set (ISO/IEC 14496-10 section 7.3.2.1.1).

use bytes::Bytes;

use super::{ConfigError, size};
use crate::{
    codec::bits::{Bits, without_emulation_prevention},
    frame::{VideoCodec, VideoConfig},
};

const CODEC: &str = "H.264";

/// Reads the body of `avcC`.
///
/// # Errors
/// [`ConfigError`] when it is cut off, of another version, or without a usable sequence parameter set.
pub fn read(record: Bytes) -> Result<VideoConfig, ConfigError> {
    let [version, profile, constraints, level, _, sets, high, low, ..] = record[..] else {
        return Err(ConfigError::Incomplete(CODEC));
    };
    if version != 1 {
        return Err(ConfigError::Version { codec: CODEC, version });
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let set = record.get(8..8 + length).filter(|_| sets & 0x1f > 0).ok_or(ConfigError::Incomplete(CODEC))?;
    let set = without_emulation_prevention(set);
    let picture = picture_size(&set).ok_or(ConfigError::Incomplete(CODEC))?;
    let (width, height) = size(CODEC, picture.0, picture.1)?;
    let codec_string = format!("avc1.{profile:02x}{constraints:02x}{level:02x}");
    Ok(VideoConfig { codec: VideoCodec::H264, record, codec_string, width, height })
}

/// The cropped size; the outer `None`: the set ends too early, the inner ones: the numbers cannot be.
fn picture_size(set: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
    let mut bits = Bits::new(set);
    bits.skip(8)?;
    let profile = bits.read(8)?;
    bits.skip(16)?;
    bits.exp_golomb()?;
    let mut chroma_format = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma_format = bits.exp_golomb()?;
        if chroma_format == 3 && bits.flag()? {
            // Three separate planes are coded, and cropped, like monochrome ones.
            chroma_format = 0;
        }
        bits.exp_golomb()?;
        bits.exp_golomb()?;
        bits.skip(1)?;
        if bits.flag()? {
            skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
        }
    }
    bits.exp_golomb()?;
    skip_picture_order_count(&mut bits)?;
    bits.exp_golomb()?;
    bits.skip(1)?;
    let macroblocks_wide = bits.exp_golomb()?;
    let map_units_high = bits.exp_golomb()?;
    let frames_only = bits.flag()?;
    bits.skip(if frames_only { 1 } else { 2 })?;
    let crop = if bits.flag()? {
        [bits.exp_golomb()?, bits.exp_golomb()?, bits.exp_golomb()?, bits.exp_golomb()?]
    } else {
        [0; 4]
    };
    let (unit_x, unit_y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let fields = if frames_only { 1 } else { 2 };
    let cropped = |units: u32, scale: u32, unit: u32, [first, second]: [u32; 2]| {
        let whole = units.checked_add(1)?.checked_mul(16 * scale)?;
        whole.checked_sub(first.checked_add(second)?.checked_mul(unit)?)
    };
    let width = cropped(macroblocks_wide, 1, unit_x, [crop[0], crop[1]]);
    let height = cropped(map_units_high, fields, unit_y * fields, [crop[2], crop[3]]);
    Some((width, height))
}

fn skip_scaling_lists(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed_exp_golomb()?).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

fn skip_picture_order_count(bits: &mut Bits<'_>) -> Option<()> {
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?;
        }
        1 => {
            bits.skip(1)?;
            bits.signed_exp_golomb()?;
            bits.signed_exp_golomb()?;
            // At most 255 by the standard; the end of the set bounds it in any case.
            for _ in 0..bits.exp_golomb()? {
                bits.signed_exp_golomb()?;
            }
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cropped_high_profile_record_gives_its_name_and_size() {
        // x264, 1920x1080: 1088 coded lines, cropped by eight.
        let record = "01640028ffe1001b67640028acd940780227e5c044000003000400000300f03c60c65801000668ebe3cb22c0fdf8f800";
        let bytes: Vec<u8> =
            (0..record.len() / 2).map(|at| u8::from_str_radix(&record[2 * at..2 * at + 2], 16).unwrap()).collect();
        let config = read(bytes.clone().into()).unwrap();
        assert_eq!((config.codec_string.as_str(), config.width, config.height), ("avc1.640028", 1_920, 1_080));
        for end in 0..30 {
            assert!(read(Bytes::copy_from_slice(&bytes[..end])).is_err(), "cut at {end}");
        }
    }
}
