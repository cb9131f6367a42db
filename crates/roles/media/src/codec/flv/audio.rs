//! The header of an audio tag (FLV 10.1 section E.4.2.1; Enhanced RTMP v2, "Enhanced Audio").

use bytes::{Buf, Bytes};

use super::{FlvError, four_cc, mod_ex, multitrack};
use crate::frame::AudioCodec;

const TAG: &str = "audio";
const ENHANCED: u8 = 9;
const LEGACY_AAC: u8 = 10;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const MULTITRACK: u8 = 5;

/// What an audio tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AudioTag {
    /// The decoder's configuration.
    Config { codec: AudioCodec, record: Bytes },
    /// A coded piece of sound.
    Frame { codec: AudioCodec, data: Bytes },
}

/// Reads a tag's body; `None` for tags that carry no sound: the end of a sequence, channel layouts.
pub(super) fn read(mut body: Bytes) -> Result<Option<AudioTag>, FlvError> {
    let Ok(head) = body.try_get_u8() else { return Ok(None) };
    match head >> 4 {
        LEGACY_AAC => {
            let packet_type = mod_ex::take_byte(&mut body, TAG)?;
            Ok(packet(packet_type, AudioCodec::Aac, body))
        }
        ENHANCED => {
            let packet_type = mod_ex::skip(head & 0x0f, &mut body, TAG)?;
            if packet_type == MULTITRACK {
                let Some(track) = multitrack::first_track(body, TAG)? else { return Ok(None) };
                return Ok(packet(track.packet_type, codec_of(track.codec)?, track.body));
            }
            let codec = codec_of(four_cc::take(&mut body, TAG)?)?;
            Ok(packet(packet_type, codec, body))
        }
        other => Err(FlvError::AudioCodec(legacy_name(other))),
    }
}

fn packet(packet_type: u8, codec: AudioCodec, body: Bytes) -> Option<AudioTag> {
    match packet_type {
        SEQUENCE_START => Some(AudioTag::Config { codec, record: body }),
        CODED_FRAMES if !body.is_empty() => Some(AudioTag::Frame { codec, data: body }),
        _ => None,
    }
}

fn codec_of(code: [u8; 4]) -> Result<AudioCodec, FlvError> {
    match &code {
        b"mp4a" => Ok(AudioCodec::Aac),
        b"Opus" => Ok(AudioCodec::Opus),
        b".mp3" => Err(FlvError::AudioCodec("MP3".into())),
        b"ac-3" | b"ec-3" => Err(FlvError::AudioCodec("AC-3".into())),
        b"fLaC" => Err(FlvError::AudioCodec("FLAC".into())),
        _ => Err(FlvError::AudioCodec(format!("{:?}", four_cc::text(code)))),
    }
}

fn legacy_name(number: u8) -> String {
    match number {
        0 | 3 => "PCM".into(),
        1 => "ADPCM".into(),
        2 | 14 => "MP3".into(),
        4..=6 => "Nellymoser".into(),
        7 | 8 => "G.711".into(),
        11 => "Speex".into(),
        other => format!("number {other}"),
    }
}
