//! The header of a video tag (FLV 10.1 section E.4.3.1; Enhanced RTMP v2, "Enhanced Video").

use bytes::{Buf, Bytes};

use super::{FlvError, four_cc, mod_ex, multitrack};
use crate::frame::VideoCodec;

const TAG: &str = "video";
const KEYFRAME: u8 = 1;
const COMMAND_FRAME: u8 = 5;
const LEGACY_AVC: u8 = 7;

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MULTITRACK: u8 = 6;

/// What a video tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VideoTag {
    /// The decoder's configuration.
    Config { codec: VideoCodec, record: Bytes },
    /// A coded picture.
    Frame { codec: VideoCodec, keyframe: bool, composition_ms: i32, data: Bytes },
}

/// Reads a tag's body; `None` for tags that carry no picture: the end of a sequence, commands, colour metadata.
pub(super) fn read(mut body: Bytes) -> Result<Option<VideoTag>, FlvError> {
    let Ok(head) = body.try_get_u8() else { return Ok(None) };
    if head & 0x80 == 0 {
        return read_legacy(head, body);
    }
    let frame_type = head >> 4 & 7;
    let packet_type = mod_ex::skip(head & 0x0f, &mut body, TAG)?;
    if packet_type == METADATA || frame_type == COMMAND_FRAME {
        return Ok(None);
    }
    let (packet_type, codec) = if packet_type == MULTITRACK {
        let Some(track) = multitrack::first_track(body, TAG)? else { return Ok(None) };
        body = track.body;
        (track.packet_type, track.codec)
    } else {
        (packet_type, four_cc::take(&mut body, TAG)?)
    };
    let codec = codec_of(codec)?;
    let keyframe = frame_type == KEYFRAME;
    match packet_type {
        SEQUENCE_START => Ok(Some(VideoTag::Config { codec, record: body })),
        CODED_FRAMES if codec != VideoCodec::Av1 => {
            let composition_ms = take_composition(&mut body)?;
            Ok(frame(codec, keyframe, composition_ms, body))
        }
        CODED_FRAMES | CODED_FRAMES_X => Ok(frame(codec, keyframe, 0, body)),
        _ => Ok(None),
    }
}

fn read_legacy(head: u8, mut body: Bytes) -> Result<Option<VideoTag>, FlvError> {
    let (frame_type, codec) = (head >> 4, head & 0x0f);
    if frame_type == COMMAND_FRAME {
        return Ok(None);
    }
    if codec != LEGACY_AVC {
        return Err(FlvError::VideoCodec(legacy_name(codec)));
    }
    let packet_type = mod_ex::take_byte(&mut body, TAG)?;
    let composition_ms = take_composition(&mut body)?;
    match packet_type {
        0 => Ok(Some(VideoTag::Config { codec: VideoCodec::H264, record: body })),
        1 => Ok(frame(VideoCodec::H264, frame_type == KEYFRAME, composition_ms, body)),
        _ => Ok(None),
    }
}

fn frame(codec: VideoCodec, keyframe: bool, composition_ms: i32, data: Bytes) -> Option<VideoTag> {
    (!data.is_empty()).then_some(VideoTag::Frame { codec, keyframe, composition_ms, data })
}

fn take_composition(body: &mut Bytes) -> Result<i32, FlvError> {
    body.try_get_int(3).map(|offset| offset as i32).map_err(|_| FlvError::Truncated(TAG))
}

fn codec_of(code: [u8; 4]) -> Result<VideoCodec, FlvError> {
    match &code {
        b"avc1" => Ok(VideoCodec::H264),
        b"hvc1" => Ok(VideoCodec::Hevc),
        b"av01" => Ok(VideoCodec::Av1),
        b"vp08" => Err(FlvError::VideoCodec("VP8".into())),
        b"vp09" => Err(FlvError::VideoCodec("VP9".into())),
        b"vvc1" => Err(FlvError::VideoCodec("VVC".into())),
        _ => Err(FlvError::VideoCodec(format!("{:?}", four_cc::text(code)))),
    }
}

fn legacy_name(number: u8) -> String {
    match number {
        2 => "Sorenson H.263".into(),
        3 | 6 => "Screen video".into(),
        4 | 5 => "VP6".into(),
        12 => "HEVC in the unofficial way; enhanced RTMP".into(),
        other => format!("number {other}"),
    }
}
