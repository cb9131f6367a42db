//! What the segments of a show take: peak and average bit rate, as RFC 8216bis section 4.4.6.2 counts them.
//!
//! The peak is that of any segments in a row that last between half and one and a half target durations together. A few
//! frames alone so say nothing, and are not left out either.

use std::collections::VecDeque;

use super::{
    listing::target_duration_s,
    sample::{TICKS_PER_SECOND, Ticks},
    segment::Segment,
};

/// Half of the shortest target duration: a row of segments that lasts so long has a rate.
const ROW_MIN: Ticks = TICKS_PER_SECOND;

/// The complete segments of a show, measured one after the other.
#[derive(Debug, Default)]
pub(crate) struct Bandwidth {
    /// The newest segments that a row with the next one can hold: bytes and durations.
    row: VecDeque<(u64, Ticks)>,
    longest: Ticks,
    bytes: u64,
    played: Ticks,
    peak_bps: u64,
}

impl Bandwidth {
    /// Takes the next segment.
    pub(crate) fn measure(&mut self, segment: &Segment) {
        self.longest = self.longest.max(segment.duration);
        self.bytes += segment.bytes;
        self.played += segment.duration;
        self.row.push_back((segment.bytes, segment.duration));
        let target = i64::try_from(target_duration_s(self.longest)).unwrap_or(2) * TICKS_PER_SECOND;
        let (mut count, mut bytes, mut ticks) = (0, 0, 0);
        for (more, longer) in self.row.iter().rev() {
            (bytes, ticks) = (bytes + more, ticks + longer);
            if ticks > target + target / 2 {
                break;
            }
            count += 1;
            if ticks >= ROW_MIN {
                self.peak_bps = self.peak_bps.max(bits_per_second(bytes, ticks));
            }
        }
        self.row.drain(..self.row.len() - count);
    }

    /// The longest segment.
    pub(crate) fn longest(&self) -> Ticks {
        self.longest
    }

    /// All segments together.
    pub(crate) fn played(&self) -> Ticks {
        self.played
    }

    /// The peak in bits per second; no row of segments takes more.
    pub(crate) fn peak_bps(&self) -> u64 {
        self.peak_bps.max(self.average_bps())
    }

    /// Bits per second over all segments.
    pub(crate) fn average_bps(&self) -> u64 {
        bits_per_second(self.bytes, self.played)
    }
}

/// Rounded up: what is announced is never less than what is sent.
fn bits_per_second(bytes: u64, ticks: Ticks) -> u64 {
    match u64::try_from(ticks) {
        Ok(ticks) if ticks > 0 => bytes.saturating_mul(8 * TICKS_PER_SECOND as u64).div_ceil(ticks),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packager::SegmentName;

    fn measured(segments: &[(u64, i64)]) -> (u64, u64) {
        let mut bandwidth = Bandwidth::default();
        for (bytes, ms) in segments {
            bandwidth.measure(&Segment {
                sequence: 0,
                name: SegmentName(0),
                init: SegmentName(0),
                start: 0,
                duration: ms * TICKS_PER_SECOND / 1_000,
                bytes: *bytes,
                discontinuity: false,
                independent: true,
            });
        }
        (bandwidth.peak_bps(), bandwidth.average_bps())
    }

    #[test]
    fn the_peak_is_that_of_the_heaviest_segment_and_is_rounded_up() {
        assert_eq!(measured(&[(1_000, 2_000), (7_001, 2_000), (4_000, 1_500)]), (28_004, 17_456));
        assert_eq!(measured(&[(1_000, 3_000)]), (2_667, 2_667), "2,666.7 bits per second");
    }

    #[test]
    fn a_few_frames_count_with_their_neighbours_and_not_alone() {
        let (peak, _) = measured(&[(1_000, 2_000), (9_000, 500), (1_000, 2_000)]);
        assert_eq!(peak, 32_000, "10,000 bytes in 2.5 s, not 9,000 in half a second");
        let (peak, _) = measured(&[(1_000, 400), (5_000, 400), (3_000, 400), (1_000, 2_000)]);
        assert_eq!(peak, 60_000, "three short ones in a row are 9,000 bytes in 1.2 s");
        assert_eq!(measured(&[(5_000, 400)]), (100_000, 100_000), "all there is");
        assert_eq!(measured(&[]), (0, 0));
    }
}
