//! Multitrack tags: several tracks in one (Enhanced RTMP v2, "Multitrack"). Track 0 is taken, the others are lost.

use bytes::{Buf, Bytes};

use super::{FlvError, four_cc, mod_ex::take_byte};

/// The packet of track 0.
pub(super) struct Track {
    pub(super) packet_type: u8,
    pub(super) codec: [u8; 4],
    pub(super) body: Bytes,
}

const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// Finds track 0; `None` when the tag does not carry it.
pub(super) fn first_track(mut body: Bytes, tag: &'static str) -> Result<Option<Track>, FlvError> {
    let head = take_byte(&mut body, tag)?;
    let (layout, packet_type) = (head >> 4, head & 0x0f);
    if layout > MANY_TRACKS_MANY_CODECS {
        return Ok(None);
    }
    let mut codec = [0; 4];
    if matches!(layout, ONE_TRACK | MANY_TRACKS) {
        codec = four_cc::take(&mut body, tag)?;
    }
    while !body.is_empty() {
        if layout == MANY_TRACKS_MANY_CODECS {
            codec = four_cc::take(&mut body, tag)?;
        }
        let track = take_byte(&mut body, tag)?;
        let length = if layout == ONE_TRACK { body.len() } else { take_length(&mut body, tag)? };
        if body.len() < length {
            return Err(FlvError::Truncated(tag));
        }
        let packet = body.split_to(length);
        if track == 0 {
            return Ok(Some(Track { packet_type, codec, body: packet }));
        }
    }
    Ok(None)
}

fn take_length(body: &mut Bytes, tag: &'static str) -> Result<usize, FlvError> {
    let length = body.try_get_uint(3).map_err(|_| FlvError::Truncated(tag))?;
    Ok(length as usize)
}
