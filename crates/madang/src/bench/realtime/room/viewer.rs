//! One viewer's account of what it got: nothing lost, nothing doubled, everything in order.

use std::{collections::HashSet, ops::AddAssign};

/// What a viewer keeps count of.
#[derive(Default)]
pub(crate) struct Viewer {
    /// The next number of each sender.
    next: Vec<u32>,
    /// Messages that were skipped so far, by sender and number.
    skipped: HashSet<(usize, u32)>,
    /// The offset of the last message, where the server tells offsets.
    offset: Option<u64>,
    pub(crate) count: Count,
}

/// What viewers saw, in sum.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// Different messages.
    pub(crate) delivered: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    /// Offsets that did not follow the one before.
    pub(crate) offset_breaks: u64,
}

impl Viewer {
    pub(crate) fn new(senders: usize) -> Self {
        Self { next: vec![0; senders], ..Self::default() }
    }

    /// Takes a message; false: it came before.
    pub(crate) fn take(&mut self, sender: usize, number: usize, offset: Option<u64>) -> bool {
        let Some(next) = self.next.get_mut(sender) else { return false };
        let before = self.count.delivered;
        let number = number as u32;
        if number == *next {
            *next += 1;
            self.count.delivered += 1;
        } else if number > *next {
            self.skipped.extend((*next..number).map(|number| (sender, number)));
            *next = number + 1;
            self.count.delivered += 1;
        } else if self.skipped.remove(&(sender, number)) {
            self.count.out_of_order += 1;
            self.count.delivered += 1;
        } else {
            self.count.doubled += 1;
        }
        if let Some(offset) = offset {
            self.count.offset_breaks += u64::from(self.offset.is_some_and(|last| offset != last + 1));
            self.offset = Some(offset);
        }
        self.count.delivered > before
    }

    /// Of a sender's messages, the number of the one that comes next.
    pub(crate) fn next(&self, sender: usize) -> usize {
        self.next.get(sender).copied().unwrap_or(0) as usize
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.offset_breaks += other.offset_breaks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_counted_once_and_by_its_kind() {
        let mut viewer = Viewer::new(2);
        for (sender, number, offset) in [(0, 0, 1), (1, 0, 2), (0, 2, 3), (0, 2, 4), (0, 1, 6)] {
            viewer.take(sender, number, Some(offset));
        }
        assert_eq!(viewer.count, Count { delivered: 4, doubled: 1, out_of_order: 1, offset_breaks: 1 });
        assert_eq!((viewer.next(0), viewer.next(1), viewer.offset), (3, 1, Some(6)));
    }
}
