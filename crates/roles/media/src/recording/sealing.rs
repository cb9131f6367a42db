//! Makes blobs of what is complete, in order, again and again until it works; at the end of a show, writes its index.

use std::{
    collections::{HashSet, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use kernel::BroadcastId;
use ports::blobs::{BlobError, Blobs};
use tokio::sync::{Notify, oneshot, watch};

use super::{
    entry::Entry,
    files,
    index::ReplayIndex,
    journal::Journal,
    writer::{Command, Queue},
};
use crate::packager::{Segment, SegmentName};

/// The first pause after a failure; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest pause between tries.
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// One thing to seal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SealJob {
    /// A complete segment.
    Segment { broadcast: BroadcastId, segment: Segment },
    /// A whole show that is over.
    Finish { broadcast: BroadcastId },
}

impl SealJob {
    fn broadcast(&self) -> BroadcastId {
        match self {
            Self::Segment { broadcast, .. } | Self::Finish { broadcast } => *broadcast,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error("the journal cannot be read: {0}")]
    Journal(io::Error),
    #[error("the spool cannot be read: {0}")]
    Spool(io::Error),
    #[error("the index cannot be written: {0}")]
    Index(serde_json::Error),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// What waits to be sealed. It is as long as there are segments in the spool: one small entry for each file.
#[derive(Debug)]
pub(super) struct Sealer {
    jobs: Mutex<VecDeque<SealJob>>,
    added: Notify,
    /// Shows that are over and whose replay is not complete.
    ending: watch::Sender<HashSet<BroadcastId>>,
}

impl Default for Sealer {
    fn default() -> Self {
        Self { jobs: Mutex::default(), added: Notify::new(), ending: watch::Sender::new(HashSet::new()) }
    }
}

impl Sealer {
    /// Adds a job at the end.
    pub(super) fn add(&self, job: SealJob) {
        if let SealJob::Finish { broadcast } = job {
            self.expect_end(broadcast);
        }
        self.jobs().push_back(job);
        self.added.notify_one();
    }

    /// A show is over; its replay is on its way.
    pub(super) fn expect_end(&self, broadcast: BroadcastId) {
        self.ending.send_modify(|ending| {
            ending.insert(broadcast);
        });
    }

    /// Drops what waits of a broadcast.
    pub(super) fn forget(&self, broadcast: BroadcastId) {
        self.jobs().retain(|job| job.broadcast() != broadcast);
        self.ended(broadcast);
    }

    /// Returns once no replay of this broadcast is on its way.
    pub(super) async fn finished(&self, broadcast: BroadcastId) {
        // The sender lives as long as this sealer, so waiting cannot fail.
        let _ = self.ending.subscribe().wait_for(|ending| !ending.contains(&broadcast)).await;
    }

    /// Seals for ever.
    pub(super) async fn run(self: Arc<Self>, spool: PathBuf, blobs: Arc<dyn Blobs>, queue: Queue) {
        let bench = Bench { spool, blobs, queue };
        loop {
            let Some(job) = self.jobs().front().cloned() else {
                self.added.notified().await;
                continue;
            };
            let mut pause = RETRY_FIRST;
            while let Err(error) = bench.seal(&job).await {
                tracing::error!(%error, broadcast = %job.broadcast(), retry_s = pause.as_secs(), "not sealed yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_LONGEST);
                if self.jobs().front() != Some(&job) {
                    break;
                }
            }
            let mut jobs = self.jobs();
            if jobs.front() == Some(&job) {
                jobs.pop_front();
            }
            metrics::gauge!("madang_media_segments_unsealed").set(jobs.len() as f64);
            drop(jobs);
            if let SealJob::Finish { broadcast } = job {
                self.ended(broadcast);
            }
        }
    }

    fn ended(&self, broadcast: BroadcastId) {
        self.ending.send_modify(|ending| {
            ending.remove(&broadcast);
        });
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<SealJob>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bench {
    spool: PathBuf,
    blobs: Arc<dyn Blobs>,
    queue: Queue,
}

impl Bench {
    async fn seal(&self, job: &SealJob) -> Result<(), SealError> {
        match job {
            SealJob::Segment { broadcast, segment } => {
                let name = segment.name;
                let kept = self.segment(*broadcast, segment).await?;
                let entry = if kept { Entry::Sealed { name } } else { Entry::Lost { name } };
                // A line that finds no room is made up for at the end, when each file is looked at again.
                self.queue.offer(Command::Note { broadcast: *broadcast, entry });
                Ok(())
            }
            SealJob::Finish { broadcast } => self.finish(*broadcast).await,
        }
    }

    /// Makes a blob of a segment's file. False: the file is damaged or gone, and so is the segment.
    async fn segment(&self, broadcast: BroadcastId, segment: &Segment) -> Result<bool, SealError> {
        let key = files::segment_key(broadcast, segment.name);
        let path = files::folder(&self.spool, broadcast).join(files::segment_file(segment.name));
        match tokio::fs::metadata(&path).await {
            Ok(file) if file.len() == segment.bytes => {
                self.blobs.put_file(&key, &path).await?;
                Ok(true)
            }
            Ok(file) => {
                let (has, should) = (file.len(), segment.bytes);
                tracing::error!(%broadcast, name = %segment.name, has, should, "a segment's file is damaged; left out");
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.blobs.size(&key).await {
                Ok(_) => Ok(true),
                Err(BlobError::Missing(_)) => Ok(false),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(SealError::Spool(error)),
        }
    }

    async fn finish(&self, broadcast: BroadcastId) -> Result<(), SealError> {
        let folder = files::folder(&self.spool, broadcast);
        let Some(mut journal) = read_whole(files::journal(&folder)).await? else { return Ok(()) };
        let unsealed = std::mem::take(&mut journal.unsealed);
        let mut lost = HashSet::new();
        for segment in journal.segments.iter().filter(|segment| unsealed.contains(&segment.name)) {
            if !self.segment(broadcast, segment).await? {
                lost.insert(segment.name);
            }
        }
        journal.segments.retain(|segment| !lost.contains(&segment.name));
        self.inits(broadcast, &folder, &journal).await?;
        if let Some(index) = ReplayIndex::of(&journal) {
            let data = serde_json::to_vec(&index).map_err(SealError::Index)?;
            self.blobs.put(&index.key(broadcast), Bytes::from(data)).await?;
            tracing::info!(%broadcast, segments = journal.segments.len(), "the replay is complete");
        }
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::Remove { broadcast, done }).await;
        // An error means that the thread is gone, which has been logged; the spool is removed after the next start.
        let _ = heard.await;
        Ok(())
    }

    async fn inits(&self, broadcast: BroadcastId, folder: &Path, journal: &Journal) -> Result<(), SealError> {
        let needed: HashSet<SegmentName> = journal.segments.iter().map(|segment| segment.init).collect();
        for name in needed {
            let key = files::init_key(broadcast, name);
            match tokio::fs::read(folder.join(files::init_file(name))).await {
                Ok(data) => self.blobs.put(&key, data.into()).await?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.blobs.size(&key).await?;
                }
                Err(error) => return Err(SealError::Spool(error)),
            }
        }
        Ok(())
    }
}

async fn read_whole(path: PathBuf) -> Result<Option<Journal>, SealError> {
    let read = tokio::task::spawn_blocking(move || Journal::read(&path, usize::MAX)).await;
    match read.map_err(io::Error::other).and_then(|journal| journal) {
        Ok(journal) => Ok(Some(journal)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SealError::Journal(error)),
    }
}
