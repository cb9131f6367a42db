//! Makes blobs of what is complete, again and again until it works; at the end of a show, writes its index.
//!
//! Promise: what cannot be sealed does not hold the rest up: it waits aside for its next try.

mod bench;
mod jobs;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::BroadcastId;
use ports::blobs::Blobs;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use self::{bench::Bench, jobs::Jobs};
use super::{entry::End, writer::Queue};
use crate::packager::Segment;

/// One thing to seal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SealJob {
    /// A complete segment.
    Segment { broadcast: BroadcastId, segment: Segment },
    /// A whole show that is over. Its journal need not know of the end: the disk may have refused that line.
    Finish { broadcast: BroadcastId, end: End },
}

impl SealJob {
    fn broadcast(&self) -> BroadcastId {
        match self {
            Self::Segment { broadcast, .. } | Self::Finish { broadcast, .. } => *broadcast,
        }
    }
}

/// The right to touch what is recorded while nothing is being sealed.
pub(super) struct Held<'a>(#[expect(dead_code, reason = "held, not read")] tokio::sync::MutexGuard<'a, ()>);

/// What waits to be sealed. It is as long as there are segments in the spool: one small entry for each file.
#[derive(Debug)]
pub(super) struct Sealer {
    jobs: Mutex<Jobs>,
    added: Notify,
    /// Taken for each job, from its leaving the queue to its end.
    step: tokio::sync::Mutex<()>,
    /// Shows that are over and whose replay is not complete.
    ending: watch::Sender<HashSet<BroadcastId>>,
}

impl Default for Sealer {
    fn default() -> Self {
        let ending = watch::Sender::new(HashSet::new());
        Self { jobs: Mutex::default(), added: Notify::new(), step: tokio::sync::Mutex::default(), ending }
    }
}

impl Sealer {
    /// Adds a job at the end.
    pub(super) fn add(&self, job: SealJob) {
        if let SealJob::Finish { broadcast, .. } = job {
            self.expect_end(broadcast);
        }
        self.jobs().add(job);
        self.added.notify_one();
    }

    /// A show is over; its replay is on its way.
    pub(super) fn expect_end(&self, broadcast: BroadcastId) {
        self.ending.send_modify(|ending| {
            ending.insert(broadcast);
        });
    }

    /// Waits until the job under way is done, and lets none begin.
    pub(super) async fn hold(&self) -> Held<'_> {
        Held(self.step.lock().await)
    }

    /// Drops what waits of a broadcast.
    pub(super) fn forget(&self, broadcast: BroadcastId, _: &Held<'_>) {
        self.jobs().forget(broadcast);
        self.ended(broadcast);
    }

    /// Returns once no replay of this broadcast is on its way.
    pub(super) async fn finished(&self, broadcast: BroadcastId) {
        // The sender lives as long as this sealer, so waiting cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| !ending.contains(&broadcast)).await;
    }

    /// Whether a replay of this broadcast is on its way.
    pub(super) fn is_ending(&self, broadcast: BroadcastId) -> bool {
        self.ending.borrow().contains(&broadcast)
    }

    /// Those whose replay is on its way.
    pub(super) fn all_ending(&self) -> Vec<BroadcastId> {
        self.ending.borrow().iter().copied().collect()
    }

    /// Seals for ever.
    pub(super) async fn run(self: Arc<Self>, spool: PathBuf, blobs: Arc<dyn Blobs>, queue: Queue) {
        let bench = Bench { spool, blobs, queue };
        loop {
            if !self.seal_next(&bench).await {
                let retry_at = self.jobs().retry_at();
                let added = self.added.notified();
                match retry_at {
                    // Whether one was added or the time has come: there is something to do.
                    Some(at) => drop(timeout_at(at, added).await),
                    None => added.await,
                }
            }
        }
    }

    /// Seals what is next; false when nothing is.
    async fn seal_next(&self, bench: &Bench) -> bool {
        let _step = self.step.lock().await;
        let taken = self.jobs().take(Instant::now());
        let Some((job, again)) = taken else { return false };
        let sealed = bench.seal(&job).await;
        let mut jobs = self.jobs();
        if let Err(error) = sealed {
            let broadcast = job.broadcast();
            match jobs.set_aside(job, again, Instant::now()) {
                Some(pause) => {
                    tracing::error!(%error, %broadcast, retry_s = pause.as_secs(), "not sealed yet");
                }
                None => tracing::debug!(%error, %broadcast, "not sealed yet either"),
            }
            return true;
        }
        if again {
            jobs.works_again(Instant::now());
        }
        if let SealJob::Finish { broadcast, .. } = job {
            jobs.forget(broadcast);
            self.ended(broadcast);
        }
        metrics::gauge!("madang_media_segments_unsealed").set(jobs.len() as f64);
        true
    }

    fn ended(&self, broadcast: BroadcastId) {
        self.ending.send_modify(|ending| {
            ending.remove(&broadcast);
        });
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
