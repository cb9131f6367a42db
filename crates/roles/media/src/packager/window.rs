//! The window of a stream: what of it can be watched now, and what of that is in memory.
//!
//! Promise: media sequence numbers are contiguous and names never repeat; the recent past is in memory, what is older is
//! listed only if it is kept elsewhere; the size is bounded by time and by count. A playlist is rendered once for all
//! who ask until the next part.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use kernel::Timestamp;

use super::{
    init::{Description, Init},
    listing::target_duration_s,
    output::Output,
    part_target::PartTarget,
    playlist::{self, PARTS_LISTED_TARGETS},
    sample::{TICKS_PER_MS, TICKS_PER_SECOND, Ticks},
    segment::{HeldPart, HeldSegment, Kept, Segment, SegmentName},
};

/// Segments in a window at the most, however short.
const SEGMENTS_MAX: usize = 4_096;
/// Names skipped after a restart: more than can have been served without having been written down.
const NAMES_SKIPPED: u64 = 1_000;

/// How far a window reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowLimits {
    /// How far viewers can go back.
    pub(crate) length_ms: i64,
    /// Whether segments are recorded, so that they can leave the memory and still be listed.
    pub(crate) recorded: bool,
}

/// What a request for a part meets.
#[derive(Debug, Clone)]
pub(crate) enum PartFound {
    /// It is there.
    Here(Bytes),
    /// It is the one announced by the preload hint.
    Soon,
    /// It is not, and will not be.
    Missing,
}

/// What an output has become, with its names, for the recording.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Opened { segment: Segment, init: Arc<Init> },
    Grown { name: SegmentName, duration: Ticks, bytes: Bytes },
    Closed { segment: Segment },
}

impl Change {
    /// Which segment it is about.
    pub(crate) fn name(&self) -> SegmentName {
        match self {
            Self::Opened { segment, .. } | Self::Closed { segment } => segment.name,
            Self::Grown { name, .. } => *name,
        }
    }
}

/// One stream's window.
#[derive(Debug)]
pub(crate) struct Window {
    limits: WindowLimits,
    timeline_start: Timestamp,
    segments: VecDeque<HeldSegment>,
    open: Option<HeldSegment>,
    inits: BTreeMap<SegmentName, Arc<Init>>,
    next_sequence: u64,
    next_name: SegmentName,
    discontinuities_gone: u64,
    longest: Ticks,
    part_target: PartTarget,
    peak_bps: u64,
    total_bytes: u64,
    total_ticks: Ticks,
    ended: bool,
    rendered: [Option<Bytes>; 2],
}

impl Window {
    /// An empty window whose first segment gets this number.
    pub(crate) fn new(limits: WindowLimits, timeline_start: Timestamp, first: u64) -> Self {
        Self {
            limits,
            timeline_start,
            segments: VecDeque::new(),
            open: None,
            inits: BTreeMap::new(),
            next_sequence: first,
            next_name: SegmentName(first),
            discontinuities_gone: 0,
            longest: 0,
            part_target: PartTarget::default(),
            peak_bps: 0,
            total_bytes: 0,
            total_ticks: 0,
            ended: false,
            rendered: [None, None],
        }
    }

    /// A window as a recording knows it after a restart; `last_name` is the largest name that was written down.
    pub(crate) fn restored(
        limits: WindowLimits,
        timeline_start: Timestamp,
        segments: Vec<Segment>,
        inits: BTreeMap<SegmentName, Arc<Init>>,
        discontinuities_gone: u64,
        last_name: SegmentName,
    ) -> Self {
        let next_sequence = segments.last().map_or(0, |segment| segment.sequence + 1);
        let mut window = Self::new(limits, timeline_start, next_sequence);
        window.next_name = SegmentName(last_name.0 + NAMES_SKIPPED);
        window.inits = inits;
        window.discontinuities_gone = discontinuities_gone;
        for segment in segments {
            let played_before = window.total_ticks;
            window.measure(&segment);
            let (data, parts, kept) = (None, Vec::new(), Kept::Stored);
            window.segments.push_back(HeldSegment { segment, data, parts, kept, played_before });
        }
        window.trim();
        window
    }

    /// Forgets everything listed; numbers and names go on, so that nothing is ever two things.
    pub(crate) fn restart(&mut self, limits: WindowLimits, timeline_start: Timestamp) {
        let opened = u64::from(self.open.is_some());
        let mut fresh = Self::new(limits, timeline_start, self.next_sequence + opened);
        fresh.next_name = SegmentName(self.next_name.0 + opened);
        *self = fresh;
    }

    /// Takes one step of the segmenter.
    pub(crate) fn apply(&mut self, output: Output) -> Option<Change> {
        self.rendered = [None, None];
        match output {
            Output::Opened { start, init, discontinuity, independent } => {
                let init_name = self.name_init(&init);
                let segment = Segment {
                    sequence: self.next_sequence,
                    name: self.next_name,
                    init: init_name,
                    start,
                    duration: 0,
                    bytes: 0,
                    discontinuity: discontinuity && (!self.segments.is_empty() || self.next_sequence > 0),
                    independent,
                };
                let kept = if self.limits.recorded { Kept::Awaited } else { Kept::Nowhere };
                let played_before = self.total_ticks;
                self.open = Some(HeldSegment { segment, data: None, parts: Vec::new(), kept, played_before });
                Some(Change::Opened { segment, init })
            }
            Output::Part(part) => {
                let held = self.open.as_mut()?;
                self.part_target.cover(part.duration);
                held.segment.duration += part.duration;
                held.segment.bytes += part.bytes.len() as u64;
                let (duration, independent, bytes) = (part.duration, part.independent, part.bytes);
                held.parts.push(HeldPart { duration, independent, bytes: bytes.clone() });
                Some(Change::Grown { name: held.segment.name, duration, bytes })
            }
            Output::Closed => {
                let mut held = self.open.take()?;
                if held.parts.is_empty() {
                    return None;
                }
                held.complete();
                let segment = held.segment;
                self.measure(&segment);
                self.next_sequence += 1;
                self.next_name.0 += 1;
                self.segments.push_back(held);
                self.trim();
                Some(Change::Closed { segment })
            }
        }
    }

    /// The recording has a segment safe, or will never have it.
    pub(crate) fn settle(&mut self, name: SegmentName, kept: Kept) {
        let all = self.segments.iter_mut().chain(&mut self.open);
        if let Some(held) = all.rev().find(|held| held.segment.name == name) {
            held.kept = kept;
        }
        self.trim();
    }

    /// Nothing will follow.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.rendered = [None, None];
    }

    /// The media playlist; none before the first segment is complete.
    pub(crate) fn playlist(&mut self, skip: bool) -> Option<Bytes> {
        if self.segments.is_empty() {
            return None;
        }
        let slot = usize::from(skip);
        if let Some(text) = self.rendered.get(slot).cloned().flatten() {
            return Some(text);
        }
        let text = playlist::render(self, self.part_target, skip);
        if let Some(place) = self.rendered.get_mut(slot) {
            *place = Some(text.clone());
        }
        Some(text)
    }

    /// The newest segment's description, and the measured bandwidth: peak and average.
    pub(crate) fn measured(&self) -> Option<(&Description, u64, u64)> {
        let newest = self.segments.back()?;
        let init = self.inits.get(&newest.segment.init)?;
        Some((&init.description, self.peak_bps, bits_per_second(self.total_bytes, self.total_ticks)))
    }

    /// Whether the playlist that a blocking request asks for is there: the one that holds part `part` of segment
    /// `sequence`, or the whole segment.
    pub(crate) fn holds(&self, sequence: u64, part: Option<usize>) -> bool {
        if self.ended || sequence < self.next_sequence {
            // A part beyond the last of a complete segment stands for the first of the next (RFC 8216bis, 6.2.5.2).
            let beyond = part.filter(|_| !self.ended && sequence + 1 == self.next_sequence);
            return match (beyond, self.segments.back()) {
                (Some(part), Some(held)) if !held.parts.is_empty() && part >= held.parts.len() => {
                    self.open.as_ref().is_some_and(|open| !open.parts.is_empty())
                }
                _ => true,
            };
        }
        let open = self.open.as_ref().filter(|held| held.segment.sequence == sequence);
        part.is_some_and(|part| open.is_some_and(|held| held.parts.len() > part))
    }

    /// Whether a blocking request asks for what lies too far ahead to wait for.
    pub(crate) fn is_too_far(&self, sequence: u64) -> bool {
        sequence > self.next_sequence + 1
    }

    /// A part.
    pub(crate) fn part(&self, name: SegmentName, index: usize) -> PartFound {
        if let Some(part) = self.held(name).and_then(|held| held.parts.get(index)) {
            return PartFound::Here(part.bytes.clone());
        }
        let hinted = match &self.open {
            Some(held) => (held.segment.name, held.parts.len()),
            None => (self.next_name, 0),
        };
        if hinted == (name, index) && !self.ended { PartFound::Soon } else { PartFound::Missing }
    }

    /// A complete segment, with its bytes while they are in memory.
    pub(crate) fn segment(&self, name: SegmentName) -> Option<(Segment, Option<Bytes>)> {
        let held = self.held(name).filter(|held| held.segment.sequence < self.next_sequence)?;
        Some((held.segment, held.data.clone()))
    }

    /// The newest complete segment that is in memory and can be decoded on its own, with its initialisation segment.
    pub(crate) fn newest_picture(&self) -> Option<(Arc<Init>, Bytes)> {
        let held = self.segments.back().filter(|held| held.segment.independent)?;
        let init = self.inits.get(&held.segment.init).filter(|init| init.description.resolution.is_some())?;
        Some((init.clone(), held.data.clone()?))
    }

    /// An initialisation segment that some listed segment needs.
    pub(crate) fn init(&self, name: SegmentName) -> Option<&Arc<Init>> {
        self.inits.get(&name)
    }

    /// Whether no segment is complete.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &HeldSegment> {
        self.segments.iter()
    }

    pub(crate) fn open_segment(&self) -> Option<&HeldSegment> {
        self.open.as_ref()
    }

    pub(crate) fn timeline_start(&self) -> Timestamp {
        self.timeline_start
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn first_sequence(&self) -> u64 {
        self.segments.front().map_or(self.next_sequence, |held| held.segment.sequence)
    }

    pub(crate) fn discontinuity_sequence(&self) -> u64 {
        self.discontinuities_gone
    }

    pub(crate) fn next_name(&self) -> SegmentName {
        self.next_name
    }

    pub(crate) fn target_duration_s(&self) -> u64 {
        target_duration_s(self.longest)
    }

    pub(crate) fn all_independent(&self) -> bool {
        self.segments.iter().chain(&self.open).all(|held| held.segment.independent)
    }

    /// Where what can be watched ends.
    pub(crate) fn edge(&self) -> Ticks {
        self.open.as_ref().or(self.segments.back()).map_or(0, |held| held.segment.end())
    }

    /// How much of the show there is, breaks left out.
    pub(crate) fn played(&self) -> Ticks {
        self.open.as_ref().or(self.segments.back()).map_or(0, HeldSegment::played)
    }

    /// Bytes in memory, parts of complete segments being slices of them.
    pub(crate) fn bytes_in_memory(&self) -> usize {
        let complete = self.segments.iter().filter_map(|held| held.data.as_ref()).map(Bytes::len);
        let open = self.open.iter().flat_map(|held| &held.parts).map(|part| part.bytes.len());
        complete.chain(open).sum()
    }

    fn held(&self, name: SegmentName) -> Option<&HeldSegment> {
        if let Some(open) = self.open.as_ref().filter(|held| held.segment.name == name) {
            return Some(open);
        }
        let at = self.segments.binary_search_by_key(&name, |held| held.segment.name).ok()?;
        self.segments.get(at)
    }

    /// The same settings keep their file; others are named after the segment that is about to open.
    fn name_init(&mut self, init: &Arc<Init>) -> SegmentName {
        match self.inits.last_key_value() {
            Some((name, known)) if known == init => *name,
            _ => {
                self.inits.insert(self.next_name, init.clone());
                self.next_name
            }
        }
    }

    fn measure(&mut self, segment: &Segment) {
        self.longest = self.longest.max(segment.duration);
        self.total_bytes += segment.bytes;
        self.total_ticks += segment.duration;
        // A few frames in a row say nothing about the peak.
        if segment.duration >= TICKS_PER_SECOND || self.peak_bps == 0 {
            self.peak_bps = self.peak_bps.max(bits_per_second(segment.bytes, segment.duration));
        }
    }

    fn trim(&mut self) {
        let oldest = self.edge() - self.limits.length_ms.saturating_mul(TICKS_PER_MS);
        let target = i64::try_from(self.target_duration_s()).unwrap_or(2) * TICKS_PER_SECOND;
        let recent = i64::try_from(PARTS_LISTED_TARGETS + 1).unwrap_or(4) * target;
        while self.segments.len() > 1
            && (self.segments.len() > SEGMENTS_MAX
                || self.segments.get(1).is_some_and(|second| second.segment.start <= oldest))
        {
            self.drop_first();
        }
        let recent_from = self.played() - recent;
        let mut gone_through = None;
        for (index, held) in self.segments.iter_mut().enumerate() {
            if held.played() > recent_from {
                break;
            }
            held.parts = Vec::new();
            match held.kept {
                Kept::Stored => held.data = None,
                Kept::Nowhere => gone_through = Some(index),
                Kept::Awaited => {}
            }
        }
        if let Some(last) = gone_through {
            (0..=last).for_each(|_| self.drop_first());
        }
        let needed = self.segments.front().or(self.open.as_ref()).map(|held| held.segment.init);
        if let Some(needed) = needed {
            self.inits.retain(|name, _| *name >= needed);
        }
    }

    fn drop_first(&mut self) {
        if let Some(held) = self.segments.pop_front() {
            self.discontinuities_gone += u64::from(held.segment.discontinuity);
            self.rendered = [None, None];
        }
    }
}

fn bits_per_second(bytes: u64, ticks: Ticks) -> u64 {
    match u64::try_from(ticks) {
        Ok(ticks) if ticks > 0 => bytes.saturating_mul(8 * TICKS_PER_SECOND as u64) / ticks,
        _ => 0,
    }
}
