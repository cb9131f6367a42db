//! Segments as they stand in a window: complete ones, and the one that still grows.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::sample::Ticks;

/// Names a segment's file, and an initialisation segment by the first segment that uses it. Unique for a broadcast for
/// ever: it only grows, also over restarts, because files are cached as immutable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub(crate) struct SegmentName(pub(crate) u64);

/// The names that a take has for itself ([`crate::Take`]): more than it can use up.
const NAMES_OF_TAKE: u64 = 1_000_000_000_000;

impl SegmentName {
    /// The first name of a take.
    pub(crate) fn first_of(take: u64) -> Self {
        Self(take.saturating_mul(NAMES_OF_TAKE))
    }

    /// Whose it is.
    pub(crate) fn take(self) -> u64 {
        self.0 / NAMES_OF_TAKE
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a segment's bytes can be had once they are no longer in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The recording has not said yet.
    Awaited,
    /// In the spool, or in the blobs.
    Stored,
    /// Nowhere: it is not recorded, or the recording has a gap here.
    Nowhere,
}

/// A part that can still be asked for.
#[derive(Debug, Clone)]
pub(crate) struct HeldPart {
    pub(crate) duration: Ticks,
    pub(crate) independent: bool,
    pub(crate) bytes: Bytes,
}

/// What a playlist says of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// Its media sequence number: contiguous over the whole broadcast.
    pub(crate) sequence: u64,
    /// Its file.
    pub(crate) name: SegmentName,
    /// The initialisation segment it needs.
    pub(crate) init: SegmentName,
    /// Where it starts on the broadcast's timeline.
    pub(crate) start: Ticks,
    /// How long it lasts; grows while it is open.
    pub(crate) duration: Ticks,
    /// Its size; grows while it is open.
    pub(crate) bytes: u64,
    /// Whether times or settings do not go on from the segment before.
    pub(crate) discontinuity: bool,
    /// Whether decoding can begin at its first frame.
    pub(crate) independent: bool,
}

impl Segment {
    pub(crate) fn end(&self) -> Ticks {
        self.start + self.duration
    }
}

/// A segment with what is in memory of it.
#[derive(Debug, Clone)]
pub(crate) struct HeldSegment {
    pub(crate) segment: Segment,
    pub(crate) data: Option<Bytes>,
    pub(crate) parts: Vec<HeldPart>,
    pub(crate) kept: Kept,
    /// How much of the show there is up to its start, breaks left out. Distances from the live edge are counted in this,
    /// because players count the durations they see.
    pub(crate) played_before: Ticks,
}

impl HeldSegment {
    /// How much of the show there is up to its end, breaks left out.
    pub(crate) fn played(&self) -> Ticks {
        self.played_before + self.segment.duration
    }

    /// The whole, put together once; its parts become slices of it.
    pub(crate) fn complete(&mut self) {
        let total = self.parts.iter().map(|part| part.bytes.len()).sum();
        let mut whole = Vec::with_capacity(total);
        for part in &self.parts {
            whole.extend_from_slice(&part.bytes);
        }
        let whole = Bytes::from(whole);
        let mut at = 0;
        for part in &mut self.parts {
            let end = at + part.bytes.len();
            part.bytes = whole.slice(at..end);
            at = end;
        }
        self.data = Some(whole);
    }
}
