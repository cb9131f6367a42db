//! Times of the picture: the publisher's milliseconds as they are, repaired only where they do not grow.

use std::collections::VecDeque;

use super::sample::{TICKS_PER_MS, Ticks};

/// Presentation times of late that a new one is compared with; more than any codec reorders.
const REMEMBERED: usize = 32;
/// Composition offsets beyond this are not believed, in milliseconds.
const COMPOSITION_MAX_MS: i32 = 10_000;

/// Hands out decoding times that grow and presentation times that never repeat.
#[derive(Debug, Default)]
pub(crate) struct VideoClock {
    last: Option<Ticks>,
    presented: VecDeque<Ticks>,
}

impl VideoClock {
    /// The decoding time and composition offset, in ticks, of a frame stamped `position_ms`.
    ///
    /// A decoding time that does not grow is moved just behind the one before it; the presentation time stays.
    pub(crate) fn place(&mut self, position_ms: i64, composition_ms: i32) -> (Ticks, i32) {
        let stamped = position_ms.saturating_mul(TICKS_PER_MS);
        let composition = i64::from(composition_ms.clamp(-COMPOSITION_MAX_MS, COMPOSITION_MAX_MS)) * TICKS_PER_MS;
        let decode = self.last.map_or(stamped, |last| stamped.max(last + 1));
        self.last = Some(decode);

        let mut present = stamped + composition;
        while self.presented.contains(&present) {
            present += 1;
        }
        if self.presented.len() == REMEMBERED {
            self.presented.pop_front();
        }
        self.presented.push_back(present);
        let offset = i32::try_from(present - decode).unwrap_or(0);
        (decode, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordered_frames_keep_their_times_exactly() {
        let mut clock = VideoClock::default();
        let placed: Vec<_> =
            [(0, 66), (33, 133), (67, 33), (100, -33)].map(|(decode, offset)| clock.place(decode, offset)).to_vec();
        assert_eq!(placed, [(0, 5_940), (2_970, 11_970), (6_030, 2_970), (9_000, -2_970)]);
    }

    #[test]
    fn repeated_and_backward_times_are_moved_behind_the_last() {
        let mut clock = VideoClock::default();
        clock.place(100, 0);
        assert_eq!(clock.place(100, 0), (9_001, 0));
        assert_eq!(clock.place(60, 0), (9_002, 60 * 90 - 9_002));
        assert_eq!(clock.place(140, 0), (12_600, 0));
    }
}
