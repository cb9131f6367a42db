//! The index of a replay: every segment of a finished show, in one blob.

use bytes::Bytes;
use kernel::{BroadcastId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{entry::End, files, journal::Journal};
use crate::packager::{Bandwidth, Segment, SegmentName, TICKS_PER_MS, Variant, replay_playlist};

/// A hole longer than this is told to players as a discontinuity.
const HOLE: i64 = 100 * TICKS_PER_MS;

/// Everything a replay's playlists are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplayIndex {
    timeline_start_ms: i64,
    ended_at_ms: i64,
    variant: Variant,
    segments: Vec<Row>,
}

/// A segment as a row: sequence, name, init, start, duration, bytes, discontinuity, independent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Row(u64, u64, u64, i64, i64, u64, bool, bool);

impl ReplayIndex {
    /// The index of a show that ended so; none when nothing of it was kept.
    pub(super) fn of(journal: &Journal, end: End) -> Option<Self> {
        let newest = journal.segments.back()?;
        let description = journal.inits.get(&newest.init).cloned().unwrap_or_default();
        let mut bandwidth = Bandwidth::default();
        journal.segments.iter().for_each(|segment| bandwidth.measure(segment));
        let mut position = journal.segments.front().map_or(0, |segment| segment.start);
        let rows = journal.segments.iter().map(|segment| {
            let hole = segment.start - position > HOLE;
            position = segment.end();
            Row::from(Segment { discontinuity: segment.discontinuity || hole, ..*segment })
        });
        Some(Self {
            timeline_start_ms: journal.timeline_start?.as_millis(),
            ended_at_ms: end.at.as_millis(),
            segments: rows.collect(),
            variant: Variant::of(&description, end.frame_rate, &bandwidth),
        })
    }

    /// The blob it is kept in.
    pub(super) fn key(&self, broadcast: BroadcastId) -> String {
        format!("{}{}.json", files::replay_prefix(broadcast), self.ended_at_ms)
    }

    /// The multivariant playlist.
    pub(crate) fn multivariant(&self) -> Bytes {
        self.variant.render()
    }

    /// The media playlist.
    pub(crate) fn playlist(&self) -> Bytes {
        let segments: Vec<Segment> = self.segments.iter().copied().map(Segment::from).collect();
        replay_playlist::render(Timestamp::from_millis(self.timeline_start_ms), &segments)
    }
}

impl From<Segment> for Row {
    fn from(segment: Segment) -> Self {
        let Segment { sequence, name, init, start, duration, bytes, discontinuity, independent } = segment;
        Self(sequence, name.0, init.0, start, duration, bytes, discontinuity, independent)
    }
}

impl From<Row> for Segment {
    fn from(row: Row) -> Self {
        let Row(sequence, name, init, start, duration, bytes, discontinuity, independent) = row;
        let (name, init) = (SegmentName(name), SegmentName(init));
        Self { sequence, name, init, start, duration, bytes, discontinuity, independent }
    }
}
