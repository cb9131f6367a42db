//! The index of a replay: every segment of a take that is over, in one blob; of a finished show, of all its takes.

use bytes::Bytes;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::{entry::End, files, journal::Journal, show_take::ShowTake};
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

    /// The blob that the index of a take is kept in.
    pub(super) fn key(&self, show: ShowTake) -> String {
        let prefix = files::replay_prefix(show.broadcast);
        match show.take {
            0 => format!("{prefix}{}.json", self.ended_at_ms),
            take => format!("{prefix}{}-{take}.json", self.ended_at_ms),
        }
    }

    /// The index of a show, put together from those of its takes. Where takes overlap, the later one is the show: the process
    /// of the earlier one had lost the stream, and did not know.
    pub(super) fn of_takes(mut takes: Vec<Self>) -> Option<Self> {
        // Of two indices of one take the longer one is meant: it was sealed once more after a restart.
        takes.sort_by_key(|index| (index.take(), index.segments.len()));
        let mut whole = takes.pop()?;
        while let Some(mut earlier) = takes.pop() {
            let Some(first) = whole.segments.first().copied() else { break };
            if SegmentName(first.1).take() == earlier.take() {
                continue;
            }
            earlier.segments.retain(|row| row.3 + row.4 <= first.3);
            if let (Some(first), false) = (whole.segments.first_mut(), earlier.segments.is_empty()) {
                first.6 = true;
            }
            earlier.segments.append(&mut whole.segments);
            whole.segments = earlier.segments;
        }
        let mut bandwidth = Bandwidth::default();
        whole.segments.iter().for_each(|row| bandwidth.measure(&Segment::from(*row)));
        Some(Self { variant: whole.variant.measured(&bandwidth), ..whole })
    }

    fn take(&self) -> u64 {
        self.segments.first().map_or(0, |row| SegmentName(row.1).take())
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
