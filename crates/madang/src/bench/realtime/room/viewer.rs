//! One viewer's account of what it got: nothing lost, nothing doubled, everything in order.

use std::{
    collections::{HashMap, HashSet},
    ops::AddAssign,
};

/// What a viewer keeps count of.
#[derive(Debug, Default)]
pub(super) struct Viewer {
    /// The next number of each sender.
    next: Vec<u32>,
    /// Messages that were skipped so far, by sender and number.
    skipped: HashSet<(usize, u32)>,
    /// How many times more than once a message came, by sender and number.
    repeats: HashMap<(usize, u32), u64>,
    /// The offset of the last message, where the server tells offsets.
    offset: Option<u64>,
    /// The epoch of the log it reads.
    epoch: String,
    /// Of all that came, in its order.
    digest: u64,
    count: Count,
}

/// What viewers saw, in sum.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Different messages.
    pub(super) delivered: u64,
    /// What came more often than it was sent.
    pub(super) doubled: u64,
    /// What came once more because it was sent once more: its sender could not know that it had been taken.
    pub(super) came_again: u64,
    pub(super) out_of_order: u64,
    /// Offsets that did not follow the one before.
    pub(super) offset_breaks: u64,
}

impl Viewer {
    pub(super) fn new(senders: usize) -> Self {
        Self { next: vec![0; senders], ..Self::default() }
    }

    /// Takes a message; false: it came before.
    pub(super) fn take(&mut self, sender: usize, number: usize, offset: Option<u64>) -> bool {
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
            *self.repeats.entry((sender, number)).or_default() += 1;
        }
        if let Some(offset) = offset {
            self.count.offset_breaks += u64::from(self.offset.is_some_and(|last| offset != last + 1));
            self.offset = Some(offset);
        }
        let message = (sender as u64) << 32 | u64::from(number);
        self.digest = (self.digest.rotate_left(7) ^ message).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.count.delivered > before
    }

    /// It reads the log of this epoch from now on.
    pub(super) fn reads(&mut self, epoch: &str) {
        epoch.clone_into(&mut self.epoch);
    }

    /// The log's epoch, and the offset of the last message; 0: none came.
    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset.unwrap_or(0)
    }

    /// Of a sender's messages, the number of the one that comes next.
    pub(super) fn next(&self, sender: usize) -> usize {
        self.next.get(sender).copied().unwrap_or(0) as usize
    }

    /// The same for two viewers to whom the same messages came in the same order.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// What it saw. `sent_again` says how many times more than once a sender sent a message.
    pub(super) fn count(&self, sent_again: impl Fn(usize, usize) -> u64) -> Count {
        let mut count = self.count;
        for ((sender, number), came) in &self.repeats {
            let accounted = sent_again(*sender, *number as usize).min(*came);
            count.came_again += accounted;
            count.doubled += came - accounted;
        }
        count
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.doubled += other.doubled;
        self.came_again += other.came_again;
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
        let wrong = Count { delivered: 4, doubled: 1, out_of_order: 1, offset_breaks: 1, ..Count::default() };
        assert_eq!(viewer.count(|_, _| 0), wrong);
        assert_eq!((viewer.next(0), viewer.next(1), viewer.offset()), (3, 1, 6));
    }

    #[test]
    fn what_was_sent_again_may_come_again_as_often_and_no_message_else() {
        let mut viewer = Viewer::new(2);
        for (number, offset) in [(0, 1), (1, 2), (0, 3), (1, 4), (1, 5)] {
            viewer.take(0, number, Some(offset));
        }
        let sent_again = |sender, number| u64::from((sender, number) == (0, 1));
        assert_eq!(viewer.count(sent_again), Count { delivered: 2, doubled: 2, came_again: 1, ..Count::default() });
    }

    #[test]
    fn two_who_saw_the_same_in_another_order_differ() {
        let [mut one, mut other] = [Viewer::new(2), Viewer::new(2)];
        for sender in [0, 1] {
            one.take(sender, 0, None);
            other.take(1 - sender, 0, None);
        }
        assert_ne!(one.digest(), other.digest());
    }
}
