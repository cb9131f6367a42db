//! The recent publications of one channel, contiguous, in bounded memory.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

use super::batches::{self, Batches, Form, fitting};
use crate::{protocol::Published, websocket::Framed};

/// How much a ring keeps.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Publications at rest.
    pub(crate) publications: usize,
    /// Bytes at rest.
    pub(crate) bytes: usize,
    /// Bytes of what was published since it came to rest the time before last: readers of a busy channel stand far apart,
    /// and whom the ring does not reach reads the log.
    pub(crate) burst_bytes: usize,
    /// All rings and pages of the log share this; when it is used up, none keeps a burst.
    pub(crate) bursts: Arc<Bursts>,
}

/// The memory of all rings, and of pages of the log.
#[derive(Debug)]
pub(crate) struct Bursts {
    used: AtomicUsize,
    bytes_max: usize,
}

impl Bursts {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), bytes_max })
    }

    pub(super) fn are_over(&self) -> bool {
        self.used() > self.bytes_max
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn grew(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn shrank(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What a reader at some place has missed.
#[derive(Debug)]
pub(crate) enum Missed {
    /// These, from its place on (none: it is up to date).
    These(Vec<Arc<Published>>),
    /// More than the ring holds.
    MoreThanKept,
    /// Nothing: its place is ahead of the ring.
    Ahead,
}

/// Publications numbered from `first` to before `next`.
pub(super) struct Ring {
    limits: Limits,
    entries: VecDeque<Arc<Published>>,
    bytes: usize,
    next: u64,
    /// From here on it is a burst.
    rested: u64,
    /// What is published from here on will still be a burst when it comes to rest.
    resting: u64,
    batches: Batches,
    /// The next publication must be sent whole: the newest one is not what readers have.
    whole_next: bool,
}

impl Ring {
    /// An empty ring; the first publication it takes is number `next`.
    pub(super) fn new(limits: Limits, next: u64) -> Self {
        Self {
            limits,
            entries: VecDeque::new(),
            bytes: 0,
            next,
            rested: next,
            resting: next,
            batches: Batches::default(),
            whole_next: true,
        }
    }

    /// The number of the oldest publication it holds; `next` when it holds none.
    pub(super) fn first(&self) -> u64 {
        self.next - self.entries.len() as u64
    }

    /// The number the next publication gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes the publication number `next`, and lets go of the oldest ones beyond the limits.
    pub(super) fn push(&mut self, published: Published) {
        let published = if std::mem::take(&mut self.whole_next) { published.whole() } else { published };
        self.grew(published.size());
        self.entries.push_back(Arc::new(published));
        self.next += 1;
        self.let_go();
    }

    /// Puts other data in the place of the publication number `offset`, if it holds that one. Readers may have the earlier
    /// data: neither this nor the next publication is a difference.
    pub(super) fn redact(&mut self, offset: u64, replacement: Bytes) {
        let index = offset.checked_sub(self.first()).and_then(|index| usize::try_from(index).ok());
        let Some(index) = index else { return };
        let Some(entry) = self.entries.get_mut(index) else { return };
        let redacted = entry.with_data(replacement).whole();
        let (before, after) = (entry.size(), redacted.size());
        *entry = Arc::new(redacted);
        match self.entries.get_mut(index + 1) {
            Some(next) => *next = Arc::new(next.with_data(next.data().clone()).whole()),
            None => self.whole_next = true,
        }
        self.shrank(before);
        self.grew(after);
        self.batches = Batches::default();
        self.let_go();
    }

    /// Publications of `channel` from `from` on as one frame, and the number behind them; none when `from` is not held.
    pub(super) fn batch(&mut self, channel: &str, from: u64, form: Form) -> Option<(Framed, u64)> {
        if from < self.first() || from >= self.next {
            return None;
        }
        if let Some(made) = self.batches.find(from, form) {
            return Some(made);
        }
        let start = (from - self.first()) as usize;
        let count = fitting(channel, self.entries.range(start..).take(batches::up_to_meeting(from)));
        let to = from + count as u64;
        let before = start.checked_sub(1).and_then(|before| self.entries.get(before)).map(AsRef::as_ref);
        let frame = batches::frame(channel, form, before, self.entries.range(start..start + count));
        self.batches.remember(from, to, form, frame.clone(), self.bytes > self.limits.bytes);
        Some((frame, to))
    }

    /// Comes to rest: lets go of the burst before the last time it did, beyond what is kept at rest, and of what was made
    /// for its readers.
    pub(super) fn rest(&mut self) {
        self.rested = self.resting;
        self.resting = self.next;
        self.let_go();
        self.batches.forget_before(self.rested);
    }

    /// What a reader at `from` has missed, `limit` publications or `bytes` bytes of it.
    pub(super) fn missed(&self, from: u64, limit: usize, bytes: usize) -> Missed {
        if from < self.first() {
            return Missed::MoreThanKept;
        }
        if from > self.next {
            return Missed::Ahead;
        }
        let entries = self.entries.range((from - self.first()) as usize..).take(limit);
        let mut room = bytes;
        let fitting = entries.take_while(|published| {
            let fits = room >= published.size();
            room = room.saturating_sub(published.size());
            fits
        });
        Missed::These(fitting.cloned().collect())
    }

    fn let_go(&mut self) {
        while self.entries.len() > 1 && self.keeps_too_much() {
            if let Some(oldest) = self.entries.pop_front() {
                self.shrank(oldest.size());
            }
        }
    }

    fn keeps_too_much(&self) -> bool {
        let Limits { publications, bytes, burst_bytes, bursts } = &self.limits;
        let more_than_at_rest = self.entries.len() > *publications || self.bytes > *bytes;
        more_than_at_rest && (self.first() < self.rested || self.bytes > *burst_bytes || bursts.are_over())
    }

    fn grew(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.limits.bursts.grew(bytes);
    }

    fn shrank(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.limits.bursts.shrank(bytes);
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.shrank(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: usize = 65;

    fn limits(bursts: &Arc<Bursts>) -> Limits {
        Limits { publications: 10, bytes: 1 << 20, burst_bytes: 100 * EACH, bursts: bursts.clone() }
    }

    fn pushed(ring: &mut Ring, count: usize) {
        for _ in 0..count {
            ring.push(Published::passing(Bytes::from_static(b"1"), None));
        }
    }

    #[test]
    fn a_burst_is_kept_up_to_its_bytes_and_let_go_of_when_two_rests_have_passed() {
        let mut ring = Ring::new(limits(&Bursts::new(usize::MAX)), 1);
        pushed(&mut ring, 50);
        assert_eq!(ring.first(), 1);
        ring.rest();
        assert_eq!(ring.first(), 1, "it has only begun to be old");
        ring.rest();
        assert_eq!((ring.first(), ring.next()), (41, 51));
        pushed(&mut ring, 200);
        assert_eq!((ring.first(), ring.next()), (151, 251), "bytes bound a burst too");
    }

    #[test]
    fn what_is_before_the_burst_goes_first() {
        let mut ring = Ring::new(limits(&Bursts::new(usize::MAX)), 1);
        pushed(&mut ring, 10);
        ring.rest();
        ring.rest();
        pushed(&mut ring, 30);
        assert_eq!((ring.first(), ring.next()), (11, 41));
    }

    #[test]
    fn all_rings_share_the_memory_for_bursts() {
        let bursts = Bursts::new(60 * EACH);
        let (mut one, mut other) = (Ring::new(limits(&bursts), 1), Ring::new(limits(&bursts), 1));
        pushed(&mut one, 50);
        pushed(&mut other, 20);
        assert_eq!((one.first(), other.first()), (1, 11), "what is kept at rest is kept in any case");
        drop(one);
        pushed(&mut other, 20);
        assert_eq!(other.first(), 11);
        drop(other);
        assert_eq!(bursts.used(), 0);
    }
}
