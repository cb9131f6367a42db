//! Initialisation segments: what a decoder must know before the first fragment (`ftyp` and `moov`).

use std::sync::Arc;

use bytes::Bytes;
use mp4_atom as mp4;
use mp4_atom::{Atom, Encode};
use serde::{Deserialize, Serialize};

use super::{audio_frames::AudioFrames, sample::TICKS_PER_SECOND};
use crate::frame::{AudioCodec, AudioConfig, VideoCodec, VideoConfig};

/// The picture's track id.
pub(super) const VIDEO_TRACK: u32 = 1;
/// The sound's track id.
pub(super) const AUDIO_TRACK: u32 = 2;
/// MPEG-4 Audio, in an `esds` (ISO/IEC 14496-1, table 5).
const OBJECT_TYPE_AAC: u8 = 0x40;
/// An audio stream, in an `esds` (ISO/IEC 14496-1, table 6).
const STREAM_TYPE_AUDIO: u8 = 0x05;

/// Why settings cannot be packaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// The decoder configuration record is not one.
    #[error("the decoder configuration record cannot be read: {0}")]
    Record(#[from] mp4::Error),
    /// The Opus identification header is too short.
    #[error("the Opus identification header has {0} bytes; 19 are the least (RFC 7845 section 5.1)")]
    OpusHead(usize),
}

/// The tracks of a stretch of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tracks {
    /// The picture.
    pub(crate) video: Option<Arc<VideoConfig>>,
    /// The sound.
    pub(crate) audio: Option<Arc<AudioConfig>>,
}

impl Tracks {
    /// The value of `CODECS` (RFC 6381).
    pub(crate) fn codecs(&self) -> String {
        let video = self.video.iter().map(|video| video.codec_string.as_str());
        let audio = self.audio.iter().map(|audio| audio.codec_string.as_str());
        video.chain(audio).collect::<Vec<_>>().join(",")
    }

    fn description(&self) -> Description {
        let resolution = self.video.as_deref().map(|video| (video.width, video.height));
        Description { codecs: self.codecs(), resolution }
    }
}

/// An initialisation segment and what it describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Init {
    /// What playlists say of it.
    pub(crate) description: Description,
    /// The file.
    pub(crate) bytes: Bytes,
}

/// What playlists say of the tracks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Description {
    /// RFC 6381 names, joined by commas.
    pub(crate) codecs: String,
    /// Width and height in pixels, when there is a picture.
    pub(crate) resolution: Option<(u16, u16)>,
}

impl Init {
    /// Describes `tracks`.
    pub(crate) fn new(tracks: &Tracks) -> Result<Self, InitError> {
        let mut trak = Vec::new();
        let mut trex = Vec::new();
        if let Some(video) = &tracks.video {
            trak.push(video_track(video)?);
            trex.push(defaults(VIDEO_TRACK));
        }
        if let Some(audio) = &tracks.audio {
            trak.push(audio_track(audio)?);
            trex.push(defaults(AUDIO_TRACK));
        }
        let ftyp = mp4::Ftyp {
            major_brand: b"iso6".into(),
            minor_version: 0,
            compatible_brands: vec![b"iso6".into(), b"cmfc".into(), b"mp41".into()],
        };
        let moov = mp4::Moov {
            mvhd: mp4::Mvhd { timescale: 1_000, next_track_id: AUDIO_TRACK + 1, ..Default::default() },
            mvex: Some(mp4::Mvex { mehd: None, trex }),
            trak,
            ..Default::default()
        };
        let mut bytes = Vec::with_capacity(1_536);
        ftyp.encode(&mut bytes)?;
        moov.encode(&mut bytes)?;
        Ok(Self { description: tracks.description(), bytes: bytes.into() })
    }
}

fn defaults(track_id: u32) -> mp4::Trex {
    mp4::Trex { track_id, default_sample_description_index: 1, ..Default::default() }
}

fn video_track(video: &VideoConfig) -> Result<mp4::Trak, InitError> {
    let visual =
        mp4::Visual { data_reference_index: 1, width: video.width, height: video.height, ..Default::default() };
    let mut record: &[u8] = &video.record;
    let entry: mp4::Codec = match video.codec {
        VideoCodec::H264 => {
            mp4::Avc1 { visual, avcc: mp4::Avcc::decode_body(&mut record)?, ..Default::default() }.into()
        }
        VideoCodec::Hevc => {
            mp4::Hvc1 { visual, hvcc: mp4::Hvcc::decode_body(&mut record)?, ..Default::default() }.into()
        }
        VideoCodec::Av1 => {
            mp4::Av01 { visual, av1c: mp4::Av1c::decode_body(&mut record)?, ..Default::default() }.into()
        }
    };
    let mut trak = track(VIDEO_TRACK, TICKS_PER_SECOND as u32, b"vide", "Picture", entry);
    trak.tkhd.width = video.width.into();
    trak.tkhd.height = video.height.into();
    trak.mdia.minf.vmhd = Some(mp4::Vmhd::default());
    Ok(trak)
}

fn audio_track(config: &AudioConfig) -> Result<mp4::Trak, InitError> {
    let rate = AudioFrames::of(config).rate;
    let audio = mp4::Audio {
        data_reference_index: 1,
        channel_count: config.channels.into(),
        sample_size: 16,
        // The field holds 16 bits; players take higher rates from the track's timescale.
        sample_rate: u16::try_from(rate).unwrap_or(0).into(),
    };
    let entry: mp4::Codec = match config.codec {
        AudioCodec::Aac => {
            let specific = mp4::esds::DecoderSpecific { raw: config.record.to_vec(), ..Default::default() };
            let dec_config = mp4::esds::DecoderConfig {
                object_type_indication: OBJECT_TYPE_AAC,
                stream_type: STREAM_TYPE_AUDIO,
                dec_specific: Some(specific),
                ..Default::default()
            };
            let es_desc = mp4::esds::EsDescriptor { es_id: AUDIO_TRACK as u16, dec_config, ..Default::default() };
            mp4::Mp4a { audio, esds: mp4::Esds { es_desc }, btrt: None, taic: None }.into()
        }
        AudioCodec::Opus => mp4::Opus { audio, dops: opus_settings(&config.record)?, btrt: None }.into(),
    };
    let mut trak = track(AUDIO_TRACK, rate, b"soun", "Sound", entry);
    trak.tkhd.volume = 1.into();
    trak.mdia.minf.smhd = Some(mp4::Smhd::default());
    Ok(trak)
}

/// The identification header (RFC 7845 section 5.1) as the Opus specific box says it.
fn opus_settings(head: &[u8]) -> Result<mp4::Dops, InitError> {
    let short = || InitError::OpusHead(head.len());
    let fixed: &[u8; 19] = head.first_chunk().ok_or_else(short)?;
    let [.., _version, channels, skip0, skip1, rate0, rate1, rate2, rate3, gain0, gain1, family] = *fixed;
    let channel_mapping = match family {
        0 => None,
        family => {
            let table = head.get(19..21 + usize::from(channels)).ok_or_else(short)?;
            let (counts, mapping) = table.split_at(2);
            Some(mp4::OpusChannelMapping {
                family,
                stream_count: counts.first().copied().unwrap_or(1),
                coupled_count: counts.last().copied().unwrap_or(0),
                channel_mapping: mapping.to_vec(),
            })
        }
    };
    Ok(mp4::Dops {
        output_channel_count: channels,
        pre_skip: u16::from_le_bytes([skip0, skip1]),
        input_sample_rate: u32::from_le_bytes([rate0, rate1, rate2, rate3]),
        output_gain: i16::from_le_bytes([gain0, gain1]),
        channel_mapping,
    })
}

fn track(track_id: u32, timescale: u32, handler: &[u8; 4], name: &str, entry: mp4::Codec) -> mp4::Trak {
    let url = mp4::Url { location: String::new() };
    mp4::Trak {
        tkhd: mp4::Tkhd { track_id, enabled: true, in_movie: true, ..Default::default() },
        mdia: mp4::Mdia {
            mdhd: mp4::Mdhd { timescale, language: "und".into(), ..Default::default() },
            hdlr: mp4::Hdlr { handler: handler.into(), name: name.into() },
            minf: mp4::Minf {
                dinf: mp4::Dinf { dref: mp4::Dref { entries: vec![mp4::DrefEntry::Url(url)] } },
                stbl: mp4::Stbl {
                    stsd: mp4::Stsd { codecs: vec![entry] },
                    stco: Some(mp4::Stco::default()),
                    ..Default::default()
                },
                ..Default::default()
            },
        },
        ..Default::default()
    }
}
