//! Reads a journal back: what a spool holds, as far as it was written down whole.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use kernel::Timestamp;

use super::entry::{End, Entry};
use crate::packager::{Description, Segment, SegmentName, TICKS_PER_MS, Ticks};

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Position 0 of the timeline; none when not even the first line is whole.
    pub(super) timeline_start: Option<Timestamp>,
    /// The media sequence number it begins with, at least.
    pub(super) first_sequence: u64,
    /// The discontinuities before it, at least.
    pub(super) discontinuities_before: u64,
    /// The last complete segments, in order.
    pub(super) segments: VecDeque<Segment>,
    /// Discontinuities of complete segments that are no longer among `segments`.
    pub(super) discontinuities_gone: u64,
    /// Initialisation segments.
    pub(super) inits: BTreeMap<SegmentName, Description>,
    /// Complete segments that are not blobs yet.
    pub(super) unsealed: BTreeSet<SegmentName>,
    /// The segment that was growing, with its parts' lengths and sizes.
    pub(super) open: Option<(Segment, Vec<(Ticks, u64)>)>,
    /// The largest name that was written down.
    pub(super) last_name: SegmentName,
    /// How the show ended.
    pub(super) ended: Option<End>,
    /// How much of the file is whole lines.
    pub(super) good_bytes: u64,
    keep: usize,
}

impl Journal {
    /// Reads a journal, keeping the last `keep` segments. Reading stops at the first line that is not whole.
    pub(super) fn read(path: &Path, keep: usize) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(256 * 1024, File::open(path)?);
        let mut journal = Self { keep, ..Self::default() };
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let Some(entry) = line.strip_suffix(b"\n").and_then(|text| serde_json::from_slice(text).ok()) else {
                break;
            };
            journal.good_bytes += line.len() as u64;
            journal.take(entry);
            line.clear();
        }
        Ok(journal)
    }

    /// How what is recorded so far ends.
    pub(super) fn end(&self) -> Option<End> {
        let at = self.timeline_start?.plus_millis(self.segments.back()?.end() / TICKS_PER_MS);
        Some(End { at, frame_rate: None })
    }

    /// Takes the next line.
    pub(super) fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Began { timeline_start_ms, sequence, discontinuities } => {
                self.timeline_start = Some(Timestamp::from_millis(timeline_start_ms));
                (self.first_sequence, self.discontinuities_before) = (sequence, discontinuities);
            }
            Entry::Init { name, description } => {
                self.last_name = self.last_name.max(name);
                self.inits.insert(name, description);
            }
            Entry::Opened { segment } => {
                self.close_open();
                self.last_name = self.last_name.max(segment.name);
                self.open = Some((segment, Vec::new()));
            }
            Entry::Part { ticks, bytes } => {
                if let Some((_, parts)) = &mut self.open {
                    parts.push((ticks, bytes));
                }
            }
            Entry::Closed { ticks, bytes, renamed } => {
                if let Some((segment, _)) = self.open.take() {
                    let name = renamed.unwrap_or(segment.name);
                    self.last_name = self.last_name.max(name);
                    self.keep(Segment { name, duration: ticks, bytes, ..segment });
                }
            }
            Entry::Sealed { name } => {
                self.unsealed.remove(&name);
            }
            Entry::Lost { name } => {
                self.unsealed.remove(&name);
                self.segments.retain(|segment| segment.name != name);
            }
            Entry::Ended { at_ms, frame_rate } => {
                self.ended = Some(End { at: Timestamp::from_millis(at_ms), frame_rate });
            }
        }
    }

    /// A segment whose end could not be written down ends with its last part.
    fn close_open(&mut self) {
        if let Some((segment, parts)) = self.open.take() {
            let (duration, bytes) = sum(&parts);
            self.keep(Segment { duration, bytes, ..segment });
        }
    }

    fn keep(&mut self, segment: Segment) {
        if segment.bytes == 0 {
            return;
        }
        self.unsealed.insert(segment.name);
        self.segments.push_back(segment);
        if self.segments.len() > self.keep {
            let gone = self.segments.pop_front();
            self.discontinuities_gone += u64::from(gone.is_some_and(|segment| segment.discontinuity));
        }
    }
}

/// The length and size of parts together.
pub(super) fn sum(parts: &[(Ticks, u64)]) -> (Ticks, u64) {
    parts.iter().fold((0, 0), |(ticks, bytes), part| (ticks + part.0, bytes + part.1))
}
