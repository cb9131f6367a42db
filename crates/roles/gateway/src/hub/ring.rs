//! The recent publications of one channel, contiguous, in bounded memory.

use std::collections::VecDeque;

use super::batches::{BATCH_BYTES_MAX, BATCH_PUBLICATIONS_MAX, Batches};
use crate::protocol::{Push, Text};

/// How much a ring keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) publications: usize,
    pub(crate) bytes: usize,
}

/// What a reader at some place has missed.
#[derive(Debug)]
pub(crate) enum Missed {
    /// These, from its place on (none: it is up to date).
    These(Vec<Push>),
    /// More than the ring holds.
    MoreThanKept,
    /// Nothing: its place is ahead of the ring.
    Ahead,
}

/// Publications numbered from `first` to before `next`.
pub(super) struct Ring {
    limits: Limits,
    entries: VecDeque<Push>,
    bytes: usize,
    next: u64,
    batches: Batches,
}

impl Ring {
    /// An empty ring; the first publication it takes is number `next`.
    pub(super) fn new(limits: Limits, next: u64) -> Self {
        Self { limits, entries: VecDeque::new(), bytes: 0, next, batches: Batches::default() }
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
    pub(super) fn push(&mut self, push: Push) {
        self.bytes += push.text().len();
        self.entries.push_back(push);
        self.next += 1;
        self.let_go();
    }

    /// Puts `push` in the place of the publication number `offset`, if it holds that one.
    pub(super) fn replace(&mut self, offset: u64, push: Push) {
        let index = offset.checked_sub(self.first()).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) {
            self.bytes = self.bytes - entry.text().len() + push.text().len();
            *entry = push;
            self.batches = Batches::default();
            self.let_go();
        }
    }

    /// Publications from `from` on as one text, and the number behind them; none when `from` is not held.
    pub(super) fn batch(&mut self, from: u64) -> Option<(Text, u64)> {
        if from < self.first() || from >= self.next {
            return None;
        }
        let start = (from - self.first()) as usize;
        let mut bytes = 0;
        let mut count = 0;
        for push in self.entries.range(start..).take(BATCH_PUBLICATIONS_MAX) {
            bytes += push.text().len() + 1;
            if count > 0 && bytes > BATCH_BYTES_MAX {
                break;
            }
            count += 1;
        }
        let to = from + count as u64;
        let texts = self.entries.range(start..start + count).map(Push::text);
        Some((self.batches.joined(from, to, texts), to))
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
        let fitting = entries.take_while(|push| {
            let fits = room >= push.text().len();
            room = room.saturating_sub(push.text().len());
            fits
        });
        Missed::These(fitting.cloned().collect())
    }

    fn let_go(&mut self) {
        while self.entries.len() > self.limits.publications
            || (self.bytes > self.limits.bytes && self.entries.len() > 1)
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.text().len();
            }
        }
    }
}
