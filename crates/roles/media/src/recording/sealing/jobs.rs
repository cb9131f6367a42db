//! What waits to be sealed: new jobs in their order, and beside them those that have failed, tried again after a pause.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::SealJob;

/// The first pause after a failure; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest pause between tries.
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    new: VecDeque<SealJob>,
    failed: VecDeque<SealJob>,
    /// When the first of the failed is tried again.
    retry_at: Option<Instant>,
    pause: Duration,
}

impl Jobs {
    pub(super) fn add(&mut self, job: SealJob) {
        self.new.push_back(job);
    }

    pub(super) fn len(&self) -> usize {
        self.new.len() + self.failed.len()
    }

    /// When something is to be tried again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at.filter(|_| !self.failed.is_empty())
    }

    /// What is to be done now. True: it has failed before.
    pub(super) fn take(&mut self, now: Instant) -> Option<(SealJob, bool)> {
        if self.retry_at().is_some_and(|at| at <= now) {
            return self.failed.pop_front().map(|job| (job, true));
        }
        self.new.pop_front().map(|job| (job, false))
    }

    /// A job has failed, `again` or for the first time; others go before it. Returns the pause that this begins; none
    /// when others that have failed are being waited for already.
    pub(super) fn set_aside(&mut self, job: SealJob, again: bool, now: Instant) -> Option<Duration> {
        let waited_for = !again && !self.failed.is_empty();
        self.failed.push_back(job);
        if waited_for {
            return None;
        }
        self.pause = if again { (self.pause * 2).clamp(RETRY_FIRST, RETRY_LONGEST) } else { RETRY_FIRST };
        self.retry_at = Some(now + self.pause);
        Some(self.pause)
    }

    /// One that had failed has worked: the rest need not wait.
    pub(super) fn works_again(&mut self, now: Instant) {
        self.pause = RETRY_FIRST;
        self.retry_at = Some(now);
    }

    /// Drops what waits and is not to be kept.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&SealJob) -> bool) {
        self.new.retain(&is_kept);
        self.failed.retain(is_kept);
    }
}
