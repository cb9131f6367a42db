//! The one thread that writes the spool, behind a queue that is bounded in entries and bytes.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use kernel::BroadcastId;
use tokio::sync::oneshot;

use super::{
    disk::Disk,
    entry::{End, Entry},
    files,
    recorder::Follower,
    sealing::{SealJob, Sealer},
    show_take::ShowTake,
    spool::{Closed, Spool},
};
use crate::packager::{Change, Kept, SegmentName};

/// Entries that wait for the disk at the most.
const QUEUE_ENTRIES: usize = 8_192;
/// Bytes that wait for the disk at the most, of all streams together.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// What the thread is asked to do.
pub(super) enum Command {
    /// A show goes live.
    Begin { show: ShowTake, began: Entry, follower: Weak<dyn Follower> },
    /// A show from before a restart goes on.
    Resume { show: ShowTake, journal_bytes: u64, init: Option<SegmentName>, follower: Weak<dyn Follower> },
    /// The packager has done something.
    Change { show: ShowTake, change: Change },
    /// A line for the journal.
    Note { show: ShowTake, entry: Entry },
    /// The take is over.
    End { show: ShowTake, end: End },
    /// A take that is sealed is to be removed.
    Remove { show: ShowTake, done: oneshot::Sender<io::Result<()>> },
    /// Everything of a broadcast is to be removed, whatever the take.
    RemoveAll { broadcast: BroadcastId, done: oneshot::Sender<io::Result<()>> },
    /// Everything asked before this is done, and what is open is complete.
    Drain { done: oneshot::Sender<()> },
    /// Everything asked before this is done.
    #[cfg(test)]
    Wait { done: oneshot::Sender<()> },
    /// Nothing more is written.
    #[cfg(test)]
    Abandon { done: oneshot::Sender<()> },
}

/// The near end of the queue.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<Command>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Queue {
    /// Starts the thread.
    pub(super) fn start<D: Disk + Clone>(
        disk: D,
        spool: PathBuf,
        sealer: Arc<Sealer>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_ENTRIES);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer { disk, spool, spools: HashMap::new(), sealer, waiting_bytes: waiting_bytes.clone() };
        let thread = std::thread::Builder::new().name("spool".into()).spawn(move || writer.run(&receiver))?;
        Ok((Self { sender, waiting_bytes }, thread))
    }

    /// Queues without waiting; false when the queue is full.
    pub(super) fn offer(&self, command: Command) -> bool {
        let bytes = weight(&command);
        // The count only bounds memory; nothing else is read on its strength.
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        metrics::gauge!("madang_media_spool_waiting_bytes").set(waiting as f64);
        if waiting > QUEUE_BYTES {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        match self.sender.try_send(command) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
                false
            }
        }
    }

    /// Queues, waiting for room on a thread that may wait.
    pub(super) async fn insist(&self, command: Command) {
        let queue = self.clone();
        self.waiting_bytes.fetch_add(weight(&command), Ordering::Relaxed);
        let sent = tokio::task::spawn_blocking(move || queue.sender.send(command).is_ok()).await;
        if !matches!(sent, Ok(true)) {
            tracing::error!("the spool's thread is gone");
        }
    }
}

fn weight(command: &Command) -> usize {
    match command {
        Command::Change { change: Change::Grown { bytes, .. }, .. } => bytes.len(),
        _ => 0,
    }
}

struct Live<D: Disk> {
    spool: Spool<D>,
    follower: Weak<dyn Follower>,
}

struct Writer<D: Disk> {
    disk: D,
    spool: PathBuf,
    spools: HashMap<ShowTake, Live<D>>,
    sealer: Arc<Sealer>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl<D: Disk + Clone> Writer<D> {
    fn run(&mut self, receiver: &Receiver<Command>) {
        while let Ok(command) = receiver.recv() {
            let bytes = weight(&command);
            self.obey(command);
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        self.complete_all();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Begin { show, began, follower } => {
                let folder = files::folder(&self.spool, show);
                let spool = Spool::new(self.disk.clone(), folder, show.broadcast, began);
                self.spools.insert(show, Live { spool, follower });
            }
            Command::Resume { show, journal_bytes, init, follower } => {
                let folder = files::folder(&self.spool, show);
                let spool = Spool::restored(self.disk.clone(), folder, show.broadcast, journal_bytes, init);
                self.spools.insert(show, Live { spool, follower });
            }
            Command::Change { show, change } => {
                let Some(live) = self.spools.get_mut(&show) else { return };
                let closed = live.spool.take(change);
                if let Some(follower) = live.follower.upgrade() {
                    follower.failing(live.spool.is_failing());
                }
                self.settle(show, closed);
            }
            Command::Note { show, entry } => {
                if let Some(live) = self.spools.get_mut(&show) {
                    live.spool.note_entry(&entry);
                }
            }
            Command::End { show, end } => {
                // A show whose recording could not be gone on with may still have left files.
                if let Some(live) = self.spools.get_mut(&show) {
                    let closed = live.spool.finish();
                    live.spool.note_entry(&end.entry());
                    self.settle(show, closed);
                }
                // A full disk may have refused the line: the job knows the end by itself.
                self.sealer.add(SealJob::Finish { show, end });
            }
            Command::Remove { show, done } => {
                // Whoever asked may have gone away.
                let _ = done.send(self.remove(show));
            }
            Command::RemoveAll { broadcast, done } => {
                let removed = files::takes(&self.spool, broadcast)
                    .and_then(|takes| takes.into_iter().try_for_each(|show| self.remove(show)));
                let _ = done.send(removed);
            }
            #[cfg(test)]
            Command::Wait { done } => {
                let _ = done.send(());
            }
            #[cfg(test)]
            Command::Abandon { done } => {
                self.spools.clear();
                let _ = done.send(());
            }
            Command::Drain { done } => {
                self.complete_all();
                let _ = done.send(());
            }
        }
    }

    fn complete_all(&mut self) {
        let closed: Vec<_> = self.spools.iter_mut().map(|(show, live)| (*show, live.spool.finish())).collect();
        for (show, closed) in closed {
            self.settle(show, closed);
        }
    }

    fn remove(&mut self, show: ShowTake) -> io::Result<()> {
        let folder = files::folder(&self.spool, show);
        let removed = match self.spools.remove(&show) {
            Some(mut live) => live.spool.remove(),
            None => self.disk.remove_folder(&folder),
        };
        removed.inspect_err(|error| tracing::error!(%error, broadcast = %show, "a spool could not be removed"))
    }

    fn settle(&self, show: ShowTake, closed: Option<Closed>) {
        let (segment, kept) = match closed {
            None => return,
            Some(Closed::Whole(segment)) => (segment, Kept::Stored),
            // What viewers saw is longer than what was kept: the window must not offer the short one as the same.
            Some(Closed::Short(segment) | Closed::Nothing(segment)) => (segment, Kept::Nowhere),
        };
        if let Some(follower) = self.spools.get(&show).and_then(|live| live.follower.upgrade()) {
            follower.settle(segment.name, kept);
        }
        if segment.bytes > 0 {
            self.sealer.add(SealJob::Segment { broadcast: show.broadcast, segment });
        }
    }
}
