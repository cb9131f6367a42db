//! The recordings of all streams: opens them, hands changes to the writer, seals them, removes them.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use kernel::{BroadcastId, Timestamp};
use ports::blobs::{BlobError, Blobs};
use tokio::sync::oneshot;

use super::{
    disk::{Disk, LocalDisk},
    entry::{End, Entry},
    files,
    replays::Replays,
    restore,
    sealing::Sealer,
    show_take::ShowTake,
    writer::{Command, Queue},
};
use crate::{
    packager::{Change, Kept, SegmentName, Window, WindowLimits},
    take::Take,
};

/// Hears what becomes of a stream's recording.
pub(crate) trait Follower: Send + Sync {
    /// A segment is safe, or will never be.
    fn settle(&self, name: SegmentName, kept: Kept);
    /// Whether the disk refuses at the moment.
    fn failing(&self, failing: bool);
}

/// A show that was on air when the process ended.
pub(crate) struct Restored {
    pub(crate) broadcast: BroadcastId,
    pub(crate) take: Take,
    /// What of it can be watched.
    pub(crate) window: Window,
    /// Where its recording goes on.
    pub(crate) spooled: Spooled,
}

/// How far a spool is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spooled {
    pub(super) journal_bytes: u64,
    pub(super) init: Option<SegmentName>,
}

/// Records all streams of this process.
pub(crate) struct Recorder {
    spool: PathBuf,
    queue: Queue,
    sealer: Arc<Sealer>,
    sealing: tokio::task::JoinHandle<()>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Recorder {
    /// Starts recording into `spool`; call within a runtime.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub(crate) fn start(spool: PathBuf, blobs: Arc<dyn Blobs>) -> std::io::Result<Self> {
        Self::start_on(LocalDisk, spool, blobs)
    }

    pub(super) fn start_on<D: Disk + Clone>(disk: D, spool: PathBuf, blobs: Arc<dyn Blobs>) -> std::io::Result<Self> {
        let sealer = Arc::new(Sealer::default());
        let (queue, thread) = Queue::start(disk, spool.clone(), sealer.clone())?;
        let sealing = tokio::spawn(sealer.clone().run(spool.clone(), blobs, queue.clone()));
        Ok(Self { spool, queue, sealer, sealing, thread: Mutex::new(Some(thread)) })
    }

    /// The spool's folder.
    pub(crate) fn spool(&self) -> &PathBuf {
        &self.spool
    }

    /// Reads the spool of the process before: shows that were on air, to go on with; finished ones are sealed.
    pub(crate) fn restore(&self, limits: WindowLimits) -> Vec<Restored> {
        restore::restore(&self.spool, limits, &self.sealer)
    }

    /// Begins a recording; none when nothing can be queued.
    pub(crate) fn begin(
        &self,
        broadcast: BroadcastId,
        take: Take,
        timeline_start: Timestamp,
        follower: Weak<dyn Follower>,
    ) -> Option<Recording> {
        let Take { number, sequence, discontinuities } = take;
        let show = ShowTake { broadcast, take: number };
        let began = Entry::Began { timeline_start_ms: timeline_start.as_millis(), sequence, discontinuities };
        let begun = self.queue.offer(Command::Begin { show, began, follower });
        if !begun {
            tracing::error!(broadcast = %show, "not recorded: the queue to the disk is full");
        }
        begun.then(|| self.recording(show))
    }

    /// Goes on with the recording of a restored show.
    pub(crate) fn resume(&self, show: ShowTake, spooled: Spooled, follower: Weak<dyn Follower>) -> Recording {
        let Spooled { journal_bytes, init } = spooled;
        if !self.queue.offer(Command::Resume { show, journal_bytes, init, follower }) {
            tracing::error!(broadcast = %show, "not recorded any more: the queue to the disk is full");
        }
        self.recording(show)
    }

    /// Removes everything of a broadcast, in the spool and among the blobs. No sealing is under way meanwhile: what was
    /// just being sealed is removed with the rest.
    ///
    /// # Errors
    /// When something could not be removed; what is left is removed by the next call.
    pub(crate) async fn remove(&self, broadcast: BroadcastId, replays: &Replays) -> Result<(), BlobError> {
        let held = self.sealer.hold().await;
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::RemoveAll { broadcast, done }).await;
        let gone = |_| std::io::Error::other("the spool's thread is gone");
        let spooled = heard.await.map_err(gone).and_then(|removed| removed);
        // Only now: an end that the thread had not seen yet has added its job.
        self.sealer.forget(broadcast, &held);
        replays.remove(broadcast).await?;
        spooled.map_err(|source| BlobError::Engine { key: files::recording_prefix(broadcast), source })
    }

    /// Returns when the replay of a broadcast is complete, or nothing of it is left to seal.
    pub(crate) async fn sealed(&self, broadcast: BroadcastId) {
        self.sealer.finished(broadcast).await;
    }

    /// Whether the replay of a broadcast that is over is on its way.
    pub(crate) fn is_sealing(&self, broadcast: BroadcastId) -> bool {
        self.sealer.is_ending(broadcast)
    }

    /// Those that are over and whose replay is on its way.
    pub(crate) fn sealing(&self) -> Vec<BroadcastId> {
        self.sealer.all_ending()
    }

    /// Completes what is open on the disk, and stops sealing; what is not sealed is after the next start.
    pub(crate) async fn shutdown(&self) {
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::Drain { done }).await;
        let _ = heard.await;
        self.sealing.abort();
    }

    /// Ends without completing anything, once what is queued has been written.
    #[cfg(test)]
    pub(crate) async fn abandon(&self) {
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::Abandon { done }).await;
        let _ = heard.await;
        self.sealing.abort();
    }

    /// Returns once what is queued has been written.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::Wait { done }).await;
        let _ = heard.await;
    }

    fn recording(&self, show: ShowTake) -> Recording {
        let (queue, sealer) = (self.queue.clone(), self.sealer.clone());
        Recording { show, queue, sealer, behind: Arc::new(AtomicBool::new(false)) }
    }
}

/// One stream's way into its recording.
#[derive(Clone)]
pub(crate) struct Recording {
    show: ShowTake,
    queue: Queue,
    sealer: Arc<Sealer>,
    /// Changes are being left out until a segment begins that fits.
    behind: Arc<AtomicBool>,
}

impl Recording {
    /// Takes a change, without waiting. False: it was left out, and so is the rest of its segment.
    pub(crate) fn take(&self, change: Change) -> bool {
        let opens = matches!(change, Change::Opened { .. });
        // Only the stream's own front calls this, one at a time.
        if self.behind.load(Ordering::Relaxed) && !opens {
            return false;
        }
        let taken = self.queue.offer(Command::Change { show: self.show, change });
        let was_behind = self.behind.swap(!taken, Ordering::Relaxed);
        match (was_behind, taken) {
            (false, false) => {
                metrics::counter!("madang_media_recording_gaps_total").increment(1);
                tracing::error!(broadcast = %self.show, "recording has a gap: the disk is slower than the streams");
            }
            (true, true) => tracing::info!(broadcast = %self.show, "recording goes on"),
            _ => {}
        }
        taken
    }

    /// Whether changes are being left out.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// The take is over: what is open is completed, everything is sealed, its index is written.
    pub(crate) fn end(&self, at: Timestamp, frame_rate: Option<f64>) {
        let end = End { at, frame_rate };
        let (queue, show) = (self.queue.clone(), self.show);
        self.sealer.expect_end(show);
        if !queue.offer(Command::End { show, end }) {
            tokio::spawn(async move { queue.insist(Command::End { show, end }).await });
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.sealing.abort();
        // Dropping the handle lets the thread end by itself once the last recording is gone.
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
