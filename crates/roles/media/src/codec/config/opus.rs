//! Opus: the identification header (RFC 7845 section 5.1).

use bytes::Bytes;

use super::ConfigError;
use crate::frame::{AudioCodec, AudioConfig};

const CODEC: &str = "Opus";
const MAGIC: &[u8] = b"OpusHead";
/// What libopus skips at the start at 48,000 samples per second.
const USUAL_PRE_SKIP: [u8; 2] = 312_u16.to_le_bytes();

/// Reads an identification header; an empty one is made up: stereo, the usual pre-skip, no gain.
///
/// # Errors
/// [`ConfigError`] when it is cut off or of an unknown version, or has no channels.
pub fn read(record: Bytes) -> Result<AudioConfig, ConfigError> {
    let record = if record.is_empty() { usual_header() } else { record };
    let Some([version, channels, ..]) = record.strip_prefix(MAGIC).and_then(|fields| fields.first_chunk::<11>()) else {
        return Err(ConfigError::Incomplete(CODEC));
    };
    // The upper half is the major version, which decoders must know.
    if version >> 4 != 0 {
        return Err(ConfigError::Version { codec: CODEC, version: *version });
    }
    if !(1..=8).contains(channels) {
        return Err(ConfigError::Sound(CODEC));
    }
    let channels = *channels;
    Ok(AudioConfig { codec: AudioCodec::Opus, record, codec_string: "opus".into(), sample_rate: 48_000, channels })
}

fn usual_header() -> Bytes {
    let mut header = MAGIC.to_vec();
    header.extend([1, 2]);
    header.extend(USUAL_PRE_SKIP);
    header.extend(48_000_u32.to_le_bytes());
    header.extend([0, 0, 0]);
    header.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_passed_on_and_an_absent_one_made_up() {
        let made = read(Bytes::new()).unwrap();
        assert_eq!((made.channels, made.record.len()), (2, 19));
        assert_eq!(read(made.record.clone()), Ok(made.clone()));
        assert_eq!(read(made.record.slice(..18)), Err(ConfigError::Incomplete(CODEC)));
    }
}
