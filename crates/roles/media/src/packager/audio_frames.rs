//! How long one coded piece of sound lasts, and on which scale it is counted.

use crate::frame::{AudioCodec, AudioConfig};

/// Opus always counts at 48 kHz (RFC 7845 section 4).
const OPUS_RATE: u32 = 48_000;
/// Samples in an AAC frame, unless its settings say 960 (ISO/IEC 14496-3, frameLengthFlag).
const AAC_FRAME: u32 = 1_024;
const AAC_SHORT_FRAME: u32 = 960;
/// Sampling rates by index (ISO/IEC 14496-3, table 1.18).
const AAC_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// The scale of a sound track and the length of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudioFrames {
    /// Samples per second: the timescale of the track. AAC: of the core coder, below what HE-AAC plays at.
    pub(crate) rate: u32,
    /// Samples in every frame; none when each frame says so itself.
    fixed: Option<u32>,
}

impl AudioFrames {
    /// Reads the settings of a track.
    pub(crate) fn of(config: &AudioConfig) -> Self {
        match config.codec {
            AudioCodec::Opus => Self { rate: OPUS_RATE, fixed: None },
            AudioCodec::Aac => {
                let (rate, frame) = aac_core(&config.record).unwrap_or((config.sample_rate, AAC_FRAME));
                Self { rate: rate.max(1), fixed: Some(frame) }
            }
        }
    }

    /// How many samples this frame lasts.
    pub(crate) fn samples(&self, frame: &[u8]) -> u32 {
        self.fixed.unwrap_or_else(|| opus_samples(frame))
    }
}

/// The core coder's sampling rate and frame length, from an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
fn aac_core(record: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits { bytes: record, at: 0 };
    let mut object_type = bits.take(5)?;
    if object_type == 31 {
        object_type = 32 + bits.take(6)?;
    }
    let rate = match bits.take(4)? {
        15 => bits.take(24)?,
        index => *AAC_RATES.get(index as usize)?,
    };
    bits.take(4)?;
    // Explicitly signalled SBR (5) or PS (29): the rate it plays at and the core's own type follow.
    if object_type == 5 || object_type == 29 {
        if bits.take(4)? == 15 {
            bits.take(24)?;
        }
        bits.take(5)?;
    }
    let frame = if bits.take(1).unwrap_or(0) == 1 { AAC_SHORT_FRAME } else { AAC_FRAME };
    (rate > 0).then_some((rate, frame))
}

/// The length of an Opus packet in samples at 48 kHz, from its table-of-contents byte (RFC 6716 section 3.1).
fn opus_samples(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    let config = u32::from(toc >> 3);
    let frame = match config {
        0..=11 => [480, 960, 1_920, 2_880][(config % 4) as usize],
        12..=15 => [480, 960][(config % 2) as usize],
        _ => [120, 240, 480, 960][(config % 4) as usize],
    };
    let frames = match toc & 0b11 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(1, |count| u32::from(count & 0b11_1111)),
    };
    // RFC 6716 section 3.4: a packet lasts 120 ms at the most.
    (frame * frames).min(OPUS_RATE * 120 / 1_000)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aac_settings_tell_the_core_rate() {
        assert_eq!(aac_core(&[0x12, 0x10]), Some((44_100, 1_024)));
        // HE-AAC, explicit: core 22,050 Hz, plays at 44,100 Hz.
        assert_eq!(aac_core(&[0x2b, 0x92, 0x08, 0x00]), Some((22_050, 1_024)));
        assert_eq!(aac_core(&[]), None);
    }

    #[test]
    fn opus_packets_tell_their_length() {
        assert_eq!(opus_samples(&[0xfc]), 960);
        assert_eq!(opus_samples(&[0b1110_1011, 2]), 480);
        assert_eq!(opus_samples(&[0b0001_1011, 63]), 5_760);
        assert_eq!(opus_samples(&[]), 0);
    }
}
