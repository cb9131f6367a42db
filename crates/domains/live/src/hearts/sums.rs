//! What batches come to. Pure.

use std::collections::HashMap;

use kernel::{AccountId, PlaybackId, Timestamp};

use super::{Batch, giver::Giver};
use crate::reports::{Moment, Moments, Resolution};

/// The timeline is counted in steps of five seconds.
pub(super) const TIMELINE_STEP_MS: i64 = 5_000;

/// A batch that was counted, as it waits to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) playback: PlaybackId,
    /// When its session expires.
    pub(super) expires_at: Timestamp,
    account: AccountId,
    pub(super) seq: i64,
    pub(super) hearts: u64,
    /// The beginning of each step of the timeline that it has hearts in, and how many.
    steps: Vec<(i64, u64)>,
    counted_at: Timestamp,
}

impl Counted {
    pub(super) fn new(giver: &Giver, batch: &Batch<'_>, counted_at: Timestamp) -> Self {
        let step_of = |position: &i64| position - position.rem_euclid(TIMELINE_STEP_MS);
        let mut positions: Vec<i64> = batch.taps.iter().map(step_of).collect();
        positions.sort_unstable();
        let steps = positions.chunk_by(|one, next| one == next).map(|step| (step[0], step.len() as u64)).collect();
        Self {
            playback: giver.session.playback,
            expires_at: giver.session.expires_at,
            account: giver.account,
            seq: batch.seq,
            hearts: batch.taps.len() as u64,
            steps,
            counted_at,
        }
    }
}

/// What batches of one broadcast come to together.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) hearts: u64,
    pub(super) fans: HashMap<AccountId, u64>,
    pub(super) timeline: HashMap<i64, u64>,
    pub(super) moments: Moments,
}

impl Sums {
    pub(super) fn add(&mut self, batch: &Counted) {
        self.hearts += batch.hearts;
        *self.fans.entry(batch.account).or_default() += batch.hearts;
        for (position, hearts) in &batch.steps {
            *self.timeline.entry(*position).or_default() += hearts;
        }
        let moment = self.moments.entry(Resolution::HalfMinute.start_of(batch.counted_at)).or_default();
        moment.add(Moment { hearts: batch.hearts, ..Moment::default() });
    }
}
