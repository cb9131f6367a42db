//! Times of sound, exact to the sample: the sum of the frames' lengths, as long as the timestamps agree with it.
//!
//! RTMP stamps sound in whole milliseconds, which a frame of 1,024 samples is not; following the stamps would leave gaps
//! and overlaps of a fraction of a millisecond at every frame.

/// How far the timestamps may stray from the sum of the frames before they are followed, in milliseconds.
const TOLERANCE_MS: i64 = 50;

/// The running clock of one sound track.
#[derive(Debug, Clone)]
pub(crate) struct AudioClock {
    rate: i64,
    next: Option<i64>,
    /// Nothing is placed before; where the clock before this one stood.
    floor: i64,
}

impl AudioClock {
    /// A clock that counts `rate` samples a second.
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate: i64::from(rate.max(1)), next: None, floor: 0 }
    }

    /// A clock that counts otherwise and goes on where this one is: other settings on the same timeline.
    pub(crate) fn followed_by(&self, rate: u32) -> Self {
        let mut next = Self::new(rate);
        let reached = self.next.unwrap_or(self.floor);
        next.floor = reached.saturating_mul(next.rate).div_euclid(self.rate) + 1;
        next
    }

    /// When a frame of `samples` samples stamped `position_ms` is heard, in samples. None: it overlaps what was already
    /// placed by more than the tolerance, so it is left out.
    pub(crate) fn place(&mut self, position_ms: i64, samples: u32) -> Option<i64> {
        let stamped = position_ms.saturating_mul(self.rate) / 1_000;
        let tolerance = TOLERANCE_MS * self.rate / 1_000;
        let time = match self.next {
            Some(next) if (next - tolerance..=next + tolerance).contains(&stamped) => next,
            Some(next) if stamped < next => return None,
            None if stamped < self.floor => return None,
            _ => stamped,
        };
        self.next = Some(time + i64::from(samples));
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_milliseconds_become_exact_samples_for_a_day() {
        let mut clock = AudioClock::new(44_100);
        let frames_in_a_day = 24 * 3_600 * 44_100 / 1_024;
        for frame in 0..frames_in_a_day {
            let stamped_ms = frame * 1_024 * 1_000 / 44_100;
            assert_eq!(clock.place(stamped_ms, 1_024), Some(frame * 1_024));
        }
    }

    #[test]
    fn other_settings_do_not_take_the_sound_back() {
        let mut clock = AudioClock::new(48_000);
        clock.place(1_000, 48_000);
        let mut other = clock.followed_by(24_000);
        assert_eq!(other.place(1_900, 1_024), None);
        assert_eq!(other.place(2_010, 1_024), Some(48_240));
    }

    #[test]
    fn a_real_gap_is_followed_and_a_real_overlap_is_left_out() {
        let mut clock = AudioClock::new(48_000);
        assert_eq!(clock.place(0, 960), Some(0));
        assert_eq!(clock.place(500, 960), Some(24_000));
        assert_eq!(clock.place(300, 960), None);
        assert_eq!(clock.place(520, 960), Some(24_960));
    }
}
