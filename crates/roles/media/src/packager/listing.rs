//! The lines about segments that live and finished playlists share.

use std::fmt::Write;

use kernel::Timestamp;

use super::{
    sample::{TICKS_PER_MS, TICKS_PER_SECOND, Ticks},
    segment::{Segment, SegmentName},
};

/// Writes the lines of segments in order, saying what changes from one to the next.
pub(super) struct Listing {
    pub(super) text: String,
    timeline_start: Timestamp,
    init: Option<SegmentName>,
}

impl Listing {
    /// Goes on behind `text`.
    pub(super) fn new(text: String, timeline_start: Timestamp) -> Self {
        Self { text, timeline_start, init: None }
    }

    /// What stands before a segment's own lines and parts.
    pub(super) fn lead(&mut self, segment: &Segment) {
        if segment.discontinuity {
            self.line(format_args!("#EXT-X-DISCONTINUITY"));
        }
        if self.init != Some(segment.init) {
            self.init = Some(segment.init);
            self.line(format_args!("#EXT-X-MAP:URI=\"init-{}.mp4\"", segment.init));
        }
        let moment = self.timeline_start.plus_millis(segment.start / TICKS_PER_MS);
        self.line(format_args!("#EXT-X-PROGRAM-DATE-TIME:{moment}"));
    }

    /// A complete segment's own lines.
    pub(super) fn segment(&mut self, segment: &Segment) {
        let (duration, name) = (seconds(segment.duration), segment.name);
        self.line(format_args!("#EXTINF:{duration:.5},\nseg-{name}.m4s"));
    }

    /// Any line.
    pub(super) fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }
}

pub(super) fn seconds(ticks: Ticks) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

/// `EXT-X-TARGETDURATION` for a longest segment of `longest`: rounded to seconds, two at the least.
pub(super) fn target_duration_s(longest: Ticks) -> u64 {
    u64::try_from((longest + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND).unwrap_or(0).max(2)
}
