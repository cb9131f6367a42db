//! Which batches of a session are kept. Pure.

use std::ops::RangeInclusive;

/// Holes that are remembered of one session; the oldest ones are forgotten first, and what would fill them is no longer kept.
const HOLES_MAX: usize = 256;

/// The numbers of a session's batches that are kept: all up to the last one, but for holes.
///
/// Several processes take batches of one session, and each keeps its own at its own time, so that one may be kept before those
/// that were sent before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    last: i64,
    holes: Vec<RangeInclusive<i64>>,
}

impl Numbers {
    /// Those of a session that nothing is kept of.
    pub(super) fn none() -> Self {
        Self { last: -1, holes: Vec::new() }
    }

    /// As they were written; holes that cannot be read are none.
    pub(super) fn read(last: i64, holes: &str) -> Self {
        let hole = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some(first.parse().ok()?..=last.parse().ok()?)
        };
        Self { last, holes: holes.split(' ').filter_map(hole).collect() }
    }

    /// The last one.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// The holes, to be written: `0 4-7`.
    pub(super) fn holes(&self) -> String {
        let text = |hole: &RangeInclusive<i64>| match (hole.start(), hole.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        self.holes.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    /// Whether the batch `seq` is not among them; it is from now on.
    pub(super) fn take(&mut self, seq: i64) -> bool {
        if seq > self.last {
            self.add_hole(self.last + 1..=seq - 1);
            self.last = seq;
            return true;
        }
        let Some(place) = self.holes.iter().position(|hole| hole.contains(&seq)) else { return false };
        let (first, last) = self.holes[place].clone().into_inner();
        let rest = [first..=seq - 1, seq + 1..=last].into_iter().filter(|part| !part.is_empty());
        self.holes.splice(place..=place, rest);
        self.forget_oldest();
        true
    }

    fn add_hole(&mut self, hole: RangeInclusive<i64>) {
        if !hole.is_empty() {
            self.holes.push(hole);
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let too_many = self.holes.len().saturating_sub(HOLES_MAX);
        self.holes.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_taken_once_in_whatever_order_they_come_and_however_often_they_are_written(
            numbers in proptest::collection::vec(0..60_i64, 0..120)
        ) {
            let (mut taken, mut numbers_taken) = (BTreeSet::new(), Numbers::none());
            for number in numbers {
                prop_assert_eq!(numbers_taken.take(number), taken.insert(number), "{} of {:?}", number, taken);
                let again = Numbers::read(numbers_taken.last(), &numbers_taken.holes());
                prop_assert_eq!(&again, &numbers_taken);
            }
        }
    }

    #[test]
    fn a_session_without_holes_has_none_to_write_and_the_oldest_of_very_many_are_forgotten() {
        let mut numbers = Numbers::none();
        assert!((0..1_000).all(|seq| numbers.take(seq)));
        assert_eq!((numbers.last(), numbers.holes().as_str()), (999, ""));
        for hole in 0..=HOLES_MAX as i64 {
            assert!(numbers.take(1_001 + 2 * hole));
        }
        assert!(!numbers.take(1_000), "the oldest of one too many");
        assert!(numbers.take(1_002), "the next one");
    }
}
