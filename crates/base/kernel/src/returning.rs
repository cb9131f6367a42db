//! When those who were refused may come back: each is told another time, so that a crowd that was refused together does not
//! return together.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::random::mix;

/// After how many seconds who was refused may come back; each is told one of them.
pub const RETURN_AFTER_S: RangeInclusive<u64> = 3..=15;

/// Tells them.
#[derive(Debug)]
pub struct ReturnTimes {
    seed: u64,
    told: AtomicU64,
}

impl ReturnTimes {
    /// `seed` decides who is told which; it should differ between processes.
    pub fn new(seed: u64) -> Self {
        Self { seed, told: AtomicU64::new(0) }
    }

    /// After how many seconds the next one may come back.
    pub fn next_s(&self) -> u64 {
        let (first, last) = RETURN_AFTER_S.into_inner();
        // Only that it goes on matters.
        let told = self.told.fetch_add(1, Ordering::Relaxed);
        first + mix(self.seed ^ told) % (last - first + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_spread_over_all_seconds_and_the_next_one_otherwise() {
        let times = ReturnTimes::new(7);
        let crowd = |times: &ReturnTimes| {
            let mut by_seconds = [0; 17];
            (0..1_300).for_each(|_| by_seconds[times.next_s() as usize] += 1);
            by_seconds
        };
        let first = crowd(&times);
        assert_eq!((&first[..3], &first[16..]), ([0; 3].as_slice(), [0].as_slice()), "{first:?}");
        assert!(first[3..16].iter().all(|many| (50..150).contains(many)), "about 100 each: {first:?}");
        assert_ne!(first, crowd(&times));
        assert_ne!(first, crowd(&ReturnTimes::new(8)));
    }
}
