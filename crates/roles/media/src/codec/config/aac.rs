//! AAC: the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).

use bytes::Bytes;

use super::ConfigError;
use crate::{
    codec::bits::Bits,
    frame::{AudioCodec, AudioConfig},
};

const CODEC: &str = "AAC";
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const SPECTRAL_BAND_REPLICATION: u32 = 5;
const PARAMETRIC_STEREO: u32 = 29;

/// Reads an AudioSpecificConfig. The sample rate is that of the core, of which a frame has 1,024 samples; a decoder of
/// HE-AAC doubles it.
///
/// # Errors
/// [`ConfigError`] when it is cut off, or of a kind, rate or channel layout that players do not know.
pub fn read(record: Bytes) -> Result<AudioConfig, ConfigError> {
    let mut bits = Bits::new(&record);
    let (object_type, sample_rate, layout) = head(&mut bits).ok_or(ConfigError::Incomplete(CODEC))?;
    if !matches!(object_type, 1..=5 | PARAMETRIC_STEREO | 42) {
        return Err(ConfigError::AacObjectType(object_type));
    }
    let sample_rate = sample_rate.filter(|rate| *rate > 0).ok_or(ConfigError::Sound(CODEC))?;
    let channels = match layout {
        1 if object_type == PARAMETRIC_STEREO => 2,
        1..=6 => layout as u8,
        7 | 12 | 14 => 8,
        11 => 7,
        _ => return Err(ConfigError::Sound(CODEC)),
    };
    let codec_string = format!("mp4a.40.{object_type}");
    Ok(AudioConfig { codec: AudioCodec::Aac, record, codec_string, sample_rate, channels })
}

/// Object type, sample rate (`None` where the index has no meaning) and channel configuration.
fn head(bits: &mut Bits<'_>) -> Option<(u32, Option<u32>, u32)> {
    let object_type = read_object_type(bits)?;
    let sample_rate = read_sample_rate(bits)?;
    let layout = bits.read(4)?;
    if matches!(object_type, SPECTRAL_BAND_REPLICATION | PARAMETRIC_STEREO) {
        // The rate behind the doubling and the core's own type must be there, or decoders fail.
        read_sample_rate(bits)?;
        read_object_type(bits)?;
    }
    Some((object_type, sample_rate, layout))
}

fn read_object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.read(5)? {
        31 => Some(32 + bits.read(6)?),
        object_type => Some(object_type),
    }
}

fn read_sample_rate(bits: &mut Bits<'_>) -> Option<Option<u32>> {
    match bits.read(4)? {
        15 => Some(Some(bits.read(24)?)),
        index => Some(SAMPLE_RATES.get(index as usize).copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(record: &'static [u8]) -> (String, u32, u8) {
        let config = read(Bytes::from_static(record)).unwrap();
        (config.codec_string, config.sample_rate, config.channels)
    }

    #[test]
    fn plain_explicit_and_high_efficiency_configurations_read() {
        assert_eq!(summary(&[0x12, 0x10]), ("mp4a.40.2".into(), 44_100, 2));
        assert_eq!(summary(&[0x11, 0x90]), ("mp4a.40.2".into(), 48_000, 2));
        // LC with an explicit rate of 44,100 in 24 bits, one channel.
        assert_eq!(summary(&[0x17, 0x80, 0x56, 0x22, 0x08]), ("mp4a.40.2".into(), 44_100, 1));
        // HE-AAC: core of 22,050, doubled to 44,100, stereo, core type LC.
        assert_eq!(summary(&[0x2b, 0x92, 0x08, 0x00]), ("mp4a.40.5".into(), 22_050, 2));
        // HE-AAC v2: the same with one core channel that decodes to two.
        assert_eq!(summary(&[0xeb, 0x8a, 0x08, 0x00]), ("mp4a.40.29".into(), 22_050, 2));
    }

    #[test]
    fn what_players_cannot_decode_is_refused() {
        assert_eq!(read(Bytes::from_static(&[0x12])), Err(ConfigError::Incomplete(CODEC)));
        assert_eq!(read(Bytes::from_static(&[0x46, 0x10])), Err(ConfigError::AacObjectType(8)));
        assert_eq!(read(Bytes::from_static(&[0x12, 0x00])), Err(ConfigError::Sound(CODEC)));
    }
}
