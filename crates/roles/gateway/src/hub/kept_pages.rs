//! The memory of pages: bounded in bytes, the page that was read first goes first.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::{
    pages::Page,
    ring::{Bursts, Limits},
};

/// Bytes of pages a channel keeps in any case, besides the newest page.
const BYTES_AT_REST: usize = 1 << 20;
/// A page weighs its publications, and the frames that are made of them.
const WEIGHT: usize = 2;

/// Pages by the number of their first publication.
pub(super) struct KeptPages {
    pages: HashMap<u64, Arc<Page>>,
    /// In the order in which they were read.
    order: VecDeque<u64>,
    bytes: usize,
    bytes_max: usize,
    /// What all channels keep together.
    bursts: Arc<Bursts>,
}

impl KeptPages {
    pub(super) fn new(limits: &Limits) -> Self {
        let (pages, order) = (HashMap::new(), VecDeque::new());
        Self { pages, order, bytes: 0, bytes_max: limits.burst_bytes, bursts: limits.bursts.clone() }
    }

    pub(super) fn get(&self, first: u64) -> Option<Arc<Page>> {
        self.pages.get(&first).cloned()
    }

    /// Keeps a page, in the place of what was read of it before, and lets go of the oldest ones beyond the limits.
    pub(super) fn keep(&mut self, page: Arc<Page>) {
        self.remove(page.first());
        while self.keeps_too_much()
            && let Some(oldest) = self.order.front().copied()
        {
            self.remove(oldest);
        }
        self.bytes += page.bytes();
        self.bursts.grew(WEIGHT * page.bytes());
        self.order.push_back(page.first());
        self.pages.insert(page.first(), page);
    }

    /// Lets go of all others.
    pub(super) fn retain(&mut self, stays: impl Fn(&Page) -> bool) {
        let Self { pages, order, bytes, bursts, .. } = self;
        order.retain(|first| {
            let leaves = pages.get(first).is_none_or(|page| !stays(page));
            if let Some(page) = leaves.then(|| pages.remove(first)).flatten() {
                *bytes -= page.bytes();
                bursts.shrank(WEIGHT * page.bytes());
            }
            !leaves
        });
        if self.pages.is_empty() {
            (self.pages, self.order) = (HashMap::new(), VecDeque::new());
        }
    }

    fn remove(&mut self, first: u64) {
        let Some(page) = self.pages.remove(&first) else { return };
        if self.order.front() == Some(&first) {
            self.order.pop_front();
        } else {
            self.order.retain(|one| *one != first);
        }
        self.bytes -= page.bytes();
        self.bursts.shrank(WEIGHT * page.bytes());
    }

    fn keeps_too_much(&self) -> bool {
        self.bytes > BYTES_AT_REST && (self.bytes > self.bytes_max || self.bursts.are_over())
    }
}

impl Drop for KeptPages {
    fn drop(&mut self) {
        self.bursts.shrank(WEIGHT * self.bytes);
    }
}
