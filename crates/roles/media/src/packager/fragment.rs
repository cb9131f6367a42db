//! Fragments: one `moof` with a `traf` for each track that has frames, and the frames' bytes in one `mdat`.

use bytes::Bytes;
use mp4_atom as mp4;
use mp4_atom::Encode;

use super::{
    init::{AUDIO_TRACK, VIDEO_TRACK},
    sample::Sample,
};

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other sample.
const KEYFRAME: u32 = 0x0200_0000;
/// Depends on others, and is no place to begin.
const NOT_A_KEYFRAME: u32 = 0x0101_0000;
/// The size and type fields of the `mdat`.
const MDAT_HEADER_BYTES: usize = 8;

/// Writes a fragment.
pub(super) fn fragment(sequence_number: u32, video: &[Sample], audio: &[Sample]) -> Result<Bytes, mp4::Error> {
    let (video_bytes, audio_bytes) = (payload_bytes(video), payload_bytes(audio));
    let build = |moof_bytes: usize| {
        let video_at = moof_bytes + MDAT_HEADER_BYTES;
        let tracks = [(VIDEO_TRACK, video, video_at), (AUDIO_TRACK, audio, video_at + video_bytes)];
        let traf = tracks.into_iter().filter(|(_, samples, _)| !samples.is_empty());
        mp4::Moof {
            mfhd: mp4::Mfhd { sequence_number },
            traf: traf.map(|(id, samples, at)| track_fragment(id, samples, at)).collect(),
        }
    };
    // The offsets of the data depend on the length of the box they are in, which does not depend on them.
    let mut measured = Vec::with_capacity(256 + 16 * (video.len() + audio.len()));
    build(0).encode(&mut measured)?;
    let moof_bytes = measured.len();

    let mdat_bytes = MDAT_HEADER_BYTES + video_bytes + audio_bytes;
    let mut bytes = Vec::with_capacity(moof_bytes + mdat_bytes);
    build(moof_bytes).encode(&mut bytes)?;
    bytes.extend_from_slice(&u32::try_from(mdat_bytes).map_err(|_| mp4::Error::InvalidSize)?.to_be_bytes());
    bytes.extend_from_slice(b"mdat");
    for sample in video.iter().chain(audio) {
        bytes.extend_from_slice(&sample.data);
    }
    Ok(bytes.into())
}

fn track_fragment(track_id: u32, samples: &[Sample], data_at: usize) -> mp4::Traf {
    let first = samples.first().map_or(0, |sample| sample.decode_time);
    let entries: Vec<_> = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            // Within a fragment a frame lasts until the next one, whatever its own length, so that a gap stays a gap.
            let until_next = samples.get(index + 1).map(|next| next.decode_time - sample.decode_time);
            let duration = until_next.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(sample.duration);
            mp4::TrunEntry {
                duration: Some(duration),
                size: u32::try_from(sample.data.len()).ok(),
                flags: Some(if sample.keyframe { KEYFRAME } else { NOT_A_KEYFRAME }),
                cts: (track_id == VIDEO_TRACK).then_some(i64::from(sample.composition)),
            }
        })
        .collect();
    mp4::Traf {
        tfhd: mp4::Tfhd { track_id, default_base_is_moof: true, ..Default::default() },
        tfdt: Some(mp4::Tfdt { base_media_decode_time: u64::try_from(first).unwrap_or(0) }),
        trun: vec![mp4::Trun { data_offset: i32::try_from(data_at).ok(), samples: entries.into() }],
        ..Default::default()
    }
}

fn payload_bytes(samples: &[Sample]) -> usize {
    samples.iter().map(|sample| sample.data.len()).sum()
}
