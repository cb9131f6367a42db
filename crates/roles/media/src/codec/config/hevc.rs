//! HEVC: the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1) and the head of its sequence parameter
//! set (ITU-T H.265 section 7.3.2.2.1).

use std::fmt::Write;

use bytes::Bytes;

use super::{ConfigError, size};
use crate::{
    codec::bits::{Bits, without_emulation_prevention},
    frame::{VideoCodec, VideoConfig},
};

const CODEC: &str = "HEVC";
const SEQUENCE_PARAMETER_SET: u8 = 33;

/// Reads the body of `hvcC`.
///
/// # Errors
/// [`ConfigError`] when it is cut off, of another version, or without a usable sequence parameter set.
pub fn read(record: Bytes) -> Result<VideoConfig, ConfigError> {
    let head: [u8; 23] = record.first_chunk().copied().ok_or(ConfigError::Incomplete(CODEC))?;
    // Drafts of the record had version 0 and the same layout.
    if head[0] > 1 {
        return Err(ConfigError::Version { codec: CODEC, version: head[0] });
    }
    let set = first_set(&record).ok_or(ConfigError::Incomplete(CODEC))?;
    let set = without_emulation_prevention(set);
    let picture = picture_size(&set).ok_or(ConfigError::Incomplete(CODEC))?;
    let (width, height) = size(CODEC, picture.0, picture.1)?;
    let codec_string = codec_string(&head);
    Ok(VideoConfig { codec: VideoCodec::Hevc, record, codec_string, width, height })
}

/// The name of ISO/IEC 14496-15 annex E.3, e.g. `hvc1.1.6.L93.B0`.
fn codec_string(head: &[u8; 23]) -> String {
    let space = ["", "A", "B", "C"][usize::from(head[1] >> 6)];
    let tier = if head[1] & 0x20 == 0 { 'L' } else { 'H' };
    let compatibility = u32::from_be_bytes([head[2], head[3], head[4], head[5]]).reverse_bits();
    let mut name = format!("hvc1.{space}{}.{compatibility:x}.{tier}{}", head[1] & 0x1f, head[12]);
    let constraints = &head[6..12];
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        // Writing to a String cannot fail.
        let _ = write!(name, ".{byte:X}");
    }
    name
}

fn first_set(record: &[u8]) -> Option<&[u8]> {
    let mut rest = record.get(23..)?;
    for _ in 0..*record.get(22)? {
        let [kind, high, low, after @ ..] = rest else { return None };
        rest = after;
        for _ in 0..u16::from_be_bytes([*high, *low]) {
            let [high, low, after @ ..] = rest else { return None };
            let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
            if kind & 0x3f == SEQUENCE_PARAMETER_SET {
                return Some(unit);
            }
            rest = after;
        }
    }
    None
}

fn picture_size(set: &[u8]) -> Option<(Option<u32>, Option<u32>)> {
    let mut bits = Bits::new(set);
    bits.skip(16 + 4)?;
    let sub_layers = bits.read(3)?;
    bits.skip(1)?;
    skip_profile_tier_level(&mut bits, sub_layers)?;
    bits.exp_golomb()?;
    let chroma_format = bits.exp_golomb()?;
    if chroma_format == 3 {
        bits.skip(1)?;
    }
    let (width, height) = (bits.exp_golomb()?, bits.exp_golomb()?);
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
    let cropped = |whole: u32, unit: u32, first: u32, second: u32| {
        whole.checked_sub(first.checked_add(second)?.checked_mul(unit)?)
    };
    Some((cropped(width, unit_x, crop[0], crop[1]), cropped(height, unit_y, crop[2], crop[3])))
}

/// profile_tier_level(1, `sub_layers`) of section 7.3.3.
fn skip_profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    const PROFILE_BITS: usize = 88;
    const LEVEL_BITS: usize = 8;
    bits.skip(PROFILE_BITS + LEVEL_BITS)?;
    let mut sub_layer_bits = 0;
    for _ in 0..sub_layers {
        sub_layer_bits += if bits.flag()? { PROFILE_BITS } else { 0 };
        sub_layer_bits += if bits.flag()? { LEVEL_BITS } else { 0 };
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    bits.skip(sub_layer_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_annex_e() {
        let mut head = [0; 23];
        (head[1], head[2], head[6], head[12]) = (1, 0x60, 0xb0, 93);
        assert_eq!(codec_string(&head), "hvc1.1.6.L93.B0");
        (head[1], head[2], head[6], head[8], head[12]) = (0x62, 0x20, 0x90, 0x0c, 120);
        assert_eq!(codec_string(&head), "hvc1.A2.4.H120.90.0.C");
    }

    #[test]
    fn a_record_gives_its_name_and_size() {
        // x265, 640x360: VPS, SPS and PPS; the SEI array that follows in the wild is cut off and its count lowered.
        let record = "0101600000009000000000003ff000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003003f9598092100\
                      01002a42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c122000100074401c17\
                      2b46240";
        let bytes: Vec<u8> =
            (0..record.len() / 2).map(|at| u8::from_str_radix(&record[2 * at..2 * at + 2], 16).unwrap()).collect();
        let config = read(bytes.clone().into()).unwrap();
        assert_eq!((config.codec_string.as_str(), config.width, config.height), ("hvc1.1.6.L63.90", 640, 360));
        for end in 0..80 {
            assert!(read(Bytes::copy_from_slice(&bytes[..end])).is_err(), "cut at {end}");
        }
    }
}
