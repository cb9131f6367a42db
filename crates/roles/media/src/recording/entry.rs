//! Lines of the journal: what was written into the spool, in order, one JSON object each.
//!
//! A line is written after the bytes it speaks of. A line that is cut off at the end of the file never happened.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::packager::{Description, Segment, SegmentName, Ticks};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first line: the show went live.
    Began {
        /// Position 0, in milliseconds since the Unix epoch.
        timeline_start_ms: i64,
        /// [`crate::Take::sequence`] of what is recorded.
        #[serde(default)]
        sequence: u64,
        /// [`crate::Take::discontinuities`] of it.
        #[serde(default)]
        discontinuities: u64,
    },
    /// An initialisation segment is complete.
    Init { name: SegmentName, description: Description },
    /// A segment's file was begun.
    Opened { segment: Segment },
    /// The open segment's file has grown by a part.
    Part { ticks: Ticks, bytes: u64 },
    /// The open segment is complete; without bytes it never was.
    Closed {
        ticks: Ticks,
        bytes: u64,
        /// Its name from now on, when it was cut short by the end of a process: viewers may hold a longer file under the
        /// old one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        renamed: Option<SegmentName>,
    },
    /// A complete segment is a blob now, its file gone.
    Sealed { name: SegmentName },
    /// A complete segment's file turned out to be damaged.
    Lost { name: SegmentName },
    /// The show is over.
    Ended { at_ms: i64, frame_rate: Option<f64> },
}

/// How a show ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) frame_rate: Option<f64>,
}

impl End {
    /// It as a line.
    pub(super) fn entry(self) -> Entry {
        Entry::Ended { at_ms: self.at.as_millis(), frame_rate: self.frame_rate }
    }
}

impl Entry {
    /// The line with its end.
    pub(super) fn line(&self) -> Vec<u8> {
        // Plain numbers and strings always serialise.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}
