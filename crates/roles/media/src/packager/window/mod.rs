//! The window of a stream: what of it can be watched now, and what of that is in memory.
//!
//! Promise: media sequence numbers are contiguous and names never repeat; the recent past is in memory, what is older is
//! listed only if it is kept elsewhere; the size is bounded by time and by count. A playlist is rendered once for all
//! who ask until the next part.

mod reading;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use kernel::Timestamp;

use super::{
    bandwidth::Bandwidth,
    init::Init,
    output::Output,
    part_target::PartTarget,
    playlist::PARTS_LISTED_TARGETS,
    sample::{TICKS_PER_MS, TICKS_PER_SECOND, Ticks},
    segment::{HeldPart, HeldSegment, Kept, Segment, SegmentName},
};
use crate::take::Take;

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
    bandwidth: Bandwidth,
    part_target: PartTarget,
    ended: bool,
    rendered: [Option<Bytes>; 2],
}

impl Window {
    /// An empty window whose first segment gets this number, and the name of the same number in take 0.
    pub(crate) fn new(limits: WindowLimits, timeline_start: Timestamp, first: u64) -> Self {
        Self::of_take(limits, timeline_start, Take { sequence: first, ..Take::default() }, first)
    }

    /// An empty window of a take, whose first segment gets the `nth` of its names.
    pub(crate) fn of_take(limits: WindowLimits, timeline_start: Timestamp, take: Take, nth: u64) -> Self {
        Self {
            limits,
            timeline_start,
            segments: VecDeque::new(),
            open: None,
            inits: BTreeMap::new(),
            next_sequence: take.sequence,
            next_name: SegmentName(SegmentName::first_of(take.number).0 + nth),
            discontinuities_gone: take.discontinuities,
            bandwidth: Bandwidth::default(),
            part_target: PartTarget::default(),
            ended: false,
            rendered: [None, None],
        }
    }

    /// The window of a take as its recording knows it after a restart; `last_name` is the largest name that was written down.
    pub(crate) fn restored(
        limits: WindowLimits,
        timeline_start: Timestamp,
        take: Take,
        segments: Vec<Segment>,
        inits: BTreeMap<SegmentName, Arc<Init>>,
        discontinuities_gone: u64,
        last_name: SegmentName,
    ) -> Self {
        let mut window = Self::of_take(limits, timeline_start, take, 0);
        if let Some(last) = segments.last() {
            window.next_sequence = last.sequence + 1;
        }
        window.next_name = SegmentName(last_name.max(window.next_name).0 + NAMES_SKIPPED);
        window.inits = inits;
        window.discontinuities_gone += discontinuities_gone;
        for segment in segments {
            let played_before = window.bandwidth.played();
            window.bandwidth.measure(&segment);
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
        fresh.discontinuities_gone = self.discontinuities_gone;
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
                let played_before = self.bandwidth.played();
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
                self.bandwidth.measure(&segment);
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
