//! Places a publisher's 32-bit millisecond timestamps on the broadcast's own timeline.
//!
//! Promise: within one era (an uninterrupted run of timestamps) sound and picture keep their distance to each other and
//! to their timestamps, through any number of wraps. A jump (more than 10 s forward or 1 s backward) begins a new era,
//! anchored on the wall clock and never before what was already placed.

/// Which kind of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Video,
    Audio,
}

/// Timestamps that step further forward than this begin a new era.
const FORWARD_JUMP_MS: i64 = 10_000;
/// Timestamps that step further back than this begin a new era.
const BACKWARD_JUMP_MS: i64 = 1_000;
/// How long one track may go on in the old era after the other has jumped, before it is taken to have its own clock.
const STRAGGLING_MS: i64 = 1_000;

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Milliseconds on the broadcast's timeline.
    pub(crate) position_ms: i64,
    /// The era; grows by one with each jump.
    pub(crate) era: u32,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    timestamp_ms: u32,
    position_ms: i64,
    era: u32,
    straggled_ms: i64,
}

/// The timeline of one publisher session.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    era: u32,
    /// What was there when the era began; nothing may be placed before.
    floor_ms: i64,
    video: Option<Last>,
    audio: Option<Last>,
}

impl Timeline {
    /// Places a frame. A new era begins at the wall clock's position `clock_ms`, or at `end_ms`, the end of what is
    /// already there, if that is later. None: the frame belongs to an era that is over, or would lie in what is there.
    pub(crate) fn place(&mut self, track: Track, timestamp_ms: u32, clock_ms: i64, end_ms: i64) -> Option<Place> {
        let anchor_ms = clock_ms.max(end_ms);
        let (own, other) = match track {
            Track::Video => (self.video, self.audio),
            Track::Audio => (self.audio, self.video),
        };
        let near_other = other.map(|other| (other, distance_ms(other.timestamp_ms, timestamp_ms)));
        let near_other = near_other.filter(|(_, distance)| distance.abs() <= FORWARD_JUMP_MS);

        let (position_ms, straggled_ms) = match own {
            None => match (near_other, other) {
                (Some((other, distance)), _) => (other.position_ms + distance, 0),
                // Two clocks that have nothing to do with each other: what arrives together is shown together.
                (None, Some(other)) => (other.position_ms, 0),
                (None, None) => {
                    self.floor_ms = end_ms;
                    (anchor_ms, 0)
                }
            },
            Some(own) => {
                let step = distance_ms(own.timestamp_ms, timestamp_ms);
                let steady = (-BACKWARD_JUMP_MS..=FORWARD_JUMP_MS).contains(&step);
                let behind = own.era < self.era;
                match (steady, behind) {
                    (true, false) => (own.position_ms + step, 0),
                    (true, true) => match own.straggled_ms + step.max(1) {
                        straggled if straggled <= STRAGGLING_MS => {
                            let last = Last { timestamp_ms, straggled_ms: straggled, ..own };
                            self.remember(track, last);
                            return None;
                        }
                        _ => (other.map_or(anchor_ms, |other| other.position_ms.max(self.floor_ms)), 0),
                    },
                    // The other track has jumped already: this one follows it.
                    (false, true) => match (near_other, other) {
                        (Some((other, distance)), _) => (other.position_ms + distance, 0),
                        (None, other) => (other.map_or(anchor_ms, |other| other.position_ms.max(self.floor_ms)), 0),
                    },
                    // A track that was away and comes back in step with the other has not jumped.
                    (false, false) => match near_other {
                        Some((other, distance)) if step > 0 && other.era == self.era => {
                            (other.position_ms + distance, 0)
                        }
                        _ => {
                            self.era = self.era.saturating_add(1);
                            self.floor_ms = end_ms;
                            (anchor_ms, 0)
                        }
                    },
                }
            }
        };
        self.remember(track, Last { timestamp_ms, position_ms, era: self.era, straggled_ms });
        (position_ms >= self.floor_ms).then_some(Place { position_ms, era: self.era })
    }

    fn remember(&mut self, track: Track, last: Last) {
        match track {
            Track::Video => self.video = Some(last),
            Track::Audio => self.audio = Some(last),
        }
    }
}

/// The signed way from one 32-bit timestamp to another, the shorter way round.
fn distance_ms(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrap_is_no_jump_and_keeps_sound_and_picture_apart_by_what_they_were() {
        let mut timeline = Timeline::default();
        let start = u32::MAX - 1_000;
        let video = timeline.place(Track::Video, start, 5_000, 0).unwrap();
        let audio = timeline.place(Track::Audio, start + 7, 9_999, 0).unwrap();
        assert_eq!((video.position_ms, audio.position_ms), (5_000, 5_007));
        for step in 1..100u32 {
            let video = timeline.place(Track::Video, start.wrapping_add(step * 40), 0, 0).unwrap();
            let audio = timeline.place(Track::Audio, start.wrapping_add(step * 40 + 7), 0, 0).unwrap();
            assert_eq!(video, Place { position_ms: 5_000 + i64::from(step) * 40, era: 0 });
            assert_eq!(audio.position_ms - video.position_ms, 7);
        }
    }

    #[test]
    fn a_jump_begins_an_era_which_the_other_track_joins() {
        let mut timeline = Timeline::default();
        timeline.place(Track::Video, 60_000, 0, 0).unwrap();
        timeline.place(Track::Audio, 60_010, 0, 0).unwrap();
        let video = timeline.place(Track::Video, 0, 100, 90).unwrap();
        assert_eq!(video, Place { position_ms: 100, era: 1 });
        // A late piece of sound from before the jump belongs nowhere.
        assert_eq!(timeline.place(Track::Audio, 60_031, 120, 0), None);
        let audio = timeline.place(Track::Audio, 10, 140, 0).unwrap();
        assert_eq!(audio, Place { position_ms: 110, era: 1 });
    }

    #[test]
    fn a_track_that_does_not_follow_a_jump_is_realigned_after_a_second() {
        let mut timeline = Timeline::default();
        timeline.place(Track::Video, 60_000, 0, 0).unwrap();
        timeline.place(Track::Audio, 60_000, 0, 0).unwrap();
        timeline.place(Track::Video, 1_000_000, 500, 0).unwrap();
        let mut placed = Vec::new();
        for step in 1..=60u32 {
            timeline.place(Track::Video, 1_000_000 + step * 20, 0, 0).unwrap();
            placed.extend(timeline.place(Track::Audio, 60_000 + step * 20, 0, 0));
        }
        assert_eq!(placed.first(), Some(&Place { position_ms: 500 + 51 * 20, era: 1 }));
        assert_eq!(placed.len(), 10);
    }

    #[test]
    fn a_picture_that_was_away_for_long_comes_back_in_step_with_the_sound() {
        let mut timeline = Timeline::default();
        timeline.place(Track::Video, 0, 0, 0).unwrap();
        for step in 0..1_000u32 {
            timeline.place(Track::Audio, step * 21, 0, 0).unwrap();
        }
        let video = timeline.place(Track::Video, 21_000, 77, 0).unwrap();
        assert_eq!(video, Place { position_ms: 21_000, era: 0 });
    }
}
