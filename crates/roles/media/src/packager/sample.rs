//! One coded frame with its times, ready to be put into a fragment.

use bytes::Bytes;

/// A moment or span on the broadcast's own timeline, in 1/90,000 s. Milliseconds are exact in it.
pub(crate) type Ticks = i64;

/// Ticks in a second; the timescale of the picture track.
pub(crate) const TICKS_PER_SECOND: i64 = 90_000;
/// Ticks in a millisecond.
pub(crate) const TICKS_PER_MS: i64 = 90;

/// One frame. Times are in the track's own timescale: ticks for the picture, samples for the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Decoding time.
    pub(crate) decode_time: i64,
    /// How long until the next frame is decoded; what is known when the next one is not.
    pub(crate) duration: u32,
    /// Presentation minus decoding time.
    pub(crate) composition: i32,
    /// Whether decoding can begin here. Sound: always.
    pub(crate) keyframe: bool,
    /// The coded bytes.
    pub(crate) data: Bytes,
}

impl Sample {
    /// Where the next frame of the track starts.
    pub(crate) fn end(&self) -> i64 {
        self.decode_time + i64::from(self.duration)
    }
}
