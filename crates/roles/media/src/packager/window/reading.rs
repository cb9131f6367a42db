//! What can be asked of a window.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Timestamp;

use super::{PartFound, Window};
use crate::packager::{
    bandwidth::Bandwidth,
    init::{Description, Init},
    listing::target_duration_s,
    playlist,
    sample::Ticks,
    segment::{HeldSegment, Segment, SegmentName},
};

impl Window {
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

    /// The newest segment's description, and the measured bandwidth.
    pub(crate) fn measured(&self) -> Option<(&Description, &Bandwidth)> {
        let newest = self.segments.back()?;
        let init = self.inits.get(&newest.segment.init)?;
        Some((&init.description, &self.bandwidth))
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

    /// The media sequence number that no segment has yet, and the discontinuities up to there.
    pub(crate) fn edge_numbers(&self) -> (u64, u64) {
        let opened = u64::from(self.open.is_some());
        let listed = self.segments.iter().chain(&self.open).filter(|held| held.segment.discontinuity).count();
        (self.next_sequence + opened, self.discontinuities_gone + listed as u64)
    }

    pub(crate) fn target_duration_s(&self) -> u64 {
        target_duration_s(self.bandwidth.longest())
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
}
