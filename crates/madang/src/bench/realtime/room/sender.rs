//! One sender's account: what it sent, what of that is not acknowledged, and what it has to send again.

use std::collections::{HashMap, VecDeque};

/// What a sender keeps count of. Messages are numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// The number of its next message, which is how many it has sent.
    sent: usize,
    /// In the order in which they were sent.
    unacknowledged: VecDeque<usize>,
    /// What has to be sent again before anything else.
    again: VecDeque<usize>,
    /// How many times more than once a message was sent, where it was.
    repeats: HashMap<usize, u64>,
}

/// What bounds a sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Messages it has to send.
    pub(super) messages: usize,
    /// Messages it may have on their way.
    pub(super) window: usize,
    /// Whether the server acknowledges.
    pub(super) acknowledges: bool,
}

impl Sender {
    /// The number of the message to be sent now, if there is one; `seen` of its messages have come to a viewer.
    pub(super) fn next(&mut self, seen: usize, bounds: Bounds) -> Option<usize> {
        if let Some(number) = self.again.pop_front() {
            *self.repeats.entry(number).or_default() += 1;
            return Some(number);
        }
        let over = seen.min(self.sent - self.unacknowledged.len());
        if self.sent >= bounds.messages || self.sent - over >= bounds.window {
            return None;
        }
        let number = self.sent;
        self.sent += 1;
        if bounds.acknowledges {
            self.unacknowledged.push_back(number);
        }
        Some(number)
    }

    /// Takes the acknowledgement of this message, or of the oldest; false: nothing is known of such a message.
    pub(super) fn acknowledged(&mut self, number: Option<usize>) -> bool {
        let place = match number {
            Some(number) => self.unacknowledged.iter().position(|one| *one == number),
            None => Some(0),
        };
        place.and_then(|place| self.unacknowledged.remove(place)).is_some()
    }

    /// Is connected again: what was not acknowledged is sent again, in its order.
    pub(super) fn returned(&mut self) {
        self.again = self.unacknowledged.clone();
    }

    /// How many different messages it has sent.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    pub(super) fn is_done(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// How many times more than once a message was sent.
    pub(super) fn repeats(&self, number: usize) -> u64 {
        self.repeats.get(&number).copied().unwrap_or(0)
    }

    /// How many messages were sent again, each time counted.
    pub(super) fn sent_again(&self) -> u64 {
        self.repeats.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { messages: 6, window: 3, acknowledges: true };

    fn all(sender: &mut Sender, seen: usize) -> Vec<usize> {
        std::iter::from_fn(|| sender.next(seen, BOUNDS)).collect()
    }

    #[test]
    fn a_message_leaves_the_window_when_it_is_acknowledged_and_seen() {
        let mut sender = Sender::default();
        assert_eq!(all(&mut sender, 0), [0, 1, 2]);
        assert!(sender.acknowledged(Some(0)) && sender.acknowledged(None), "0 by its number, then the oldest");
        assert_eq!(all(&mut sender, 1), [3]);
        assert_eq!(all(&mut sender, 4), [4]);
        assert!(!sender.acknowledged(Some(1)), "it was acknowledged before");
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_first_and_counted() {
        let mut sender = Sender::default();
        assert_eq!(all(&mut sender, 0), [0, 1, 2]);
        sender.acknowledged(Some(1));
        sender.returned();
        assert_eq!(sender.next(0, BOUNDS), Some(0));
        sender.returned();
        assert_eq!(all(&mut sender, 3), [0, 2, 3]);
        assert_eq!(([0, 1, 2, 3].map(|number| sender.repeats(number)), sender.sent_again()), ([2, 0, 1, 0], 3));
    }
}
