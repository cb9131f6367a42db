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
use super::{entry::End, show_take::ShowTake, writer::Queue};
use crate::packager::Segment;

/// One thing to seal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SealJob {
    /// A complete segment.
    Segment { broadcast: BroadcastId, segment: Segment },
    /// A whole take that is over. Its journal need not know of the end: the disk may have refused that line.
    Finish { show: ShowTake, end: End },
}

impl SealJob {
    fn broadcast(&self) -> BroadcastId {
        match self {
            Self::Segment { broadcast, .. } | Self::Finish { show: ShowTake { broadcast, .. }, .. } => *broadcast,
        }
    }

    fn show(&self) -> ShowTake {
        match self {
            Self::Segment { broadcast, segment } => ShowTake::of(*broadcast, segment.name),
            Self::Finish { show, .. } => *show,
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
    /// Takes that are over and whose index is not written.
    ending: watch::Sender<HashSet<ShowTake>>,
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
        if let SealJob::Finish { show, .. } = job {
            self.expect_end(show);
        }
        self.jobs().add(job);
        self.added.notify_one();
    }

    /// A take is over; its index is on its way.
    pub(super) fn expect_end(&self, show: ShowTake) {
        self.ending.send_modify(|ending| {
            ending.insert(show);
        });
    }

    /// Waits until the job under way is done, and lets none begin.
    pub(super) async fn hold(&self) -> Held<'_> {
        Held(self.step.lock().await)
    }

    /// Drops what waits of a broadcast.
    pub(super) fn forget(&self, broadcast: BroadcastId, _: &Held<'_>) {
        self.jobs().retain(|job| job.broadcast() != broadcast);
        self.ending.send_modify(|ending| ending.retain(|show| show.broadcast != broadcast));
    }

    /// Returns once nothing of a replay of this broadcast is on its way.
    pub(super) async fn finished(&self, broadcast: BroadcastId) {
        // The sender lives as long as this sealer, so waiting cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| !is_among(ending, broadcast)).await;
    }

    /// Whether a replay of this broadcast is on its way.
    pub(super) fn is_ending(&self, broadcast: BroadcastId) -> bool {
        is_among(&self.ending.borrow(), broadcast)
    }

    /// Those whose replay is on its way.
    pub(super) fn all_ending(&self) -> Vec<BroadcastId> {
        self.ending.borrow().iter().map(|show| show.broadcast).collect()
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
            let broadcast = job.show();
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
        if let SealJob::Finish { show, .. } = job {
            jobs.retain(|job| job.show() != show);
            self.ended(show);
        }
        metrics::gauge!("madang_media_segments_unsealed").set(jobs.len() as f64);
        true
    }

    fn ended(&self, show: ShowTake) {
        self.ending.send_modify(|ending| {
            ending.remove(&show);
        });
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_among(ending: &HashSet<ShowTake>, broadcast: BroadcastId) -> bool {
    ending.iter().any(|show| show.broadcast == broadcast)
}
