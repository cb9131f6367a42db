//! Seals one thing: moves files from the spool to the blobs, and writes the index of a show.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use kernel::BroadcastId;
use ports::blobs::{BlobError, Blobs};
use tokio::sync::oneshot;

use super::SealJob;
use crate::{
    packager::{Segment, SegmentName},
    recording::{
        entry::{End, Entry},
        files,
        index::ReplayIndex,
        journal::Journal,
        show_take::ShowTake,
        writer::{Command, Queue},
    },
};

/// Why a thing is not sealed yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    #[error("the journal cannot be read: {0}")]
    Journal(io::Error),
    #[error("the journal lists segments of a show that never began")]
    NeverBegan,
    #[error("the spool cannot be read: {0}")]
    Spool(io::Error),
    #[error("the index cannot be written: {0}")]
    Index(serde_json::Error),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// What it takes to seal.
pub(super) struct Bench {
    pub(super) spool: PathBuf,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) queue: Queue,
}

impl Bench {
    /// Does one job. Doing it again does no harm.
    pub(super) async fn seal(&self, job: &SealJob) -> Result<(), SealError> {
        match job {
            SealJob::Segment { broadcast, segment } => {
                let name = segment.name;
                let kept = self.segment(*broadcast, segment).await?;
                let entry = if kept { Entry::Sealed { name } } else { Entry::Lost { name } };
                // A line that finds no room is made up for at the end, when each file is looked at again.
                self.queue.offer(Command::Note { show: ShowTake::of(*broadcast, name), entry });
                Ok(())
            }
            SealJob::Finish { show, end } => self.finish(*show, *end).await,
        }
    }

    /// Makes a blob of a segment's file. False: the file is damaged or gone, and so is the segment.
    async fn segment(&self, broadcast: BroadcastId, segment: &Segment) -> Result<bool, SealError> {
        let key = files::segment_key(broadcast, segment.name);
        let path =
            files::folder(&self.spool, ShowTake::of(broadcast, segment.name)).join(files::segment_file(segment.name));
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.is_blob(&key).await,
            Err(error) => Err(SealError::Spool(error)),
        }
    }

    async fn finish(&self, show: ShowTake, end: End) -> Result<(), SealError> {
        let (broadcast, folder) = (show.broadcast, files::folder(&self.spool, show));
        if let Some(mut journal) = read_whole(files::journal(&folder)).await? {
            let unsealed = std::mem::take(&mut journal.unsealed);
            let mut lost = HashSet::new();
            for segment in journal.segments.iter().filter(|segment| unsealed.contains(&segment.name)) {
                if !self.segment(broadcast, segment).await? {
                    lost.insert(segment.name);
                }
            }
            journal.segments.retain(|segment| !lost.contains(&segment.name));
            let lost_inits = self.inits(broadcast, &folder, &journal).await?;
            journal.segments.retain(|segment| !lost_inits.contains(&segment.init));
            self.index(show, &journal, end).await?;
        }
        let (done, heard) = oneshot::channel();
        self.queue.insist(Command::Remove { show, done }).await;
        // The thread has logged what it could not remove; that is removed after the next start.
        let _ = heard.await;
        Ok(())
    }

    /// Makes blobs of the initialisation segments. Returns those that are nowhere: what needs them cannot be played.
    async fn inits(
        &self,
        broadcast: BroadcastId,
        folder: &Path,
        journal: &Journal,
    ) -> Result<HashSet<SegmentName>, SealError> {
        let needed: HashSet<SegmentName> = journal.segments.iter().map(|segment| segment.init).collect();
        let mut lost = HashSet::new();
        for name in needed {
            let key = files::init_key(broadcast, name);
            match tokio::fs::read(folder.join(files::init_file(name))).await {
                Ok(data) => self.blobs.put(&key, data.into()).await?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if !self.is_blob(&key).await? {
                        tracing::error!(%broadcast, %name, "an initialisation segment is gone; its segments are left out");
                        lost.insert(name);
                    }
                }
                Err(error) => return Err(SealError::Spool(error)),
            }
        }
        Ok(lost)
    }

    async fn index(&self, show: ShowTake, journal: &Journal, end: End) -> Result<(), SealError> {
        let Some(index) = ReplayIndex::of(journal, journal.ended.unwrap_or(end)) else {
            // Nothing is thrown away that could be played.
            return if journal.segments.is_empty() { Ok(()) } else { Err(SealError::NeverBegan) };
        };
        let data = serde_json::to_vec(&index).map_err(SealError::Index)?;
        self.blobs.put(&index.key(show), Bytes::from(data)).await?;
        tracing::info!(broadcast = %show, segments = journal.segments.len(), "the replay is complete");
        Ok(())
    }

    async fn is_blob(&self, key: &str) -> Result<bool, SealError> {
        match self.blobs.size(key).await {
            Ok(_) => Ok(true),
            Err(BlobError::Missing(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
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
