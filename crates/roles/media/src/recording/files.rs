//! Where a recording's files are: first in the spool, then among the blobs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use kernel::BroadcastId;
use ports::blobs::{BlobError, Blobs};

use super::show_take::ShowTake;
use crate::packager::SegmentName;

/// A take's folder in the spool.
pub(super) fn folder(spool: &Path, show: impl Into<ShowTake>) -> PathBuf {
    spool.join(show.into().to_string())
}

/// The takes of a broadcast that have a folder in the spool; with the first, whose folder need not be there.
pub(super) fn takes(spool: &Path, broadcast: BroadcastId) -> io::Result<Vec<ShowTake>> {
    let folders = match fs::read_dir(spool) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![broadcast.into()]),
        folders => folders?,
    };
    let shows = folders.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok());
    let later = shows.filter(|show: &ShowTake| show.broadcast == broadcast && show.take > 0);
    Ok(std::iter::once(broadcast.into()).chain(later).collect())
}

/// The journal in a take's folder.
pub(super) fn journal(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl")
}

/// A segment's file name.
pub(super) fn segment_file(name: SegmentName) -> String {
    format!("seg-{name}.m4s")
}

/// An initialisation segment's file name.
pub(super) fn init_file(name: SegmentName) -> String {
    format!("init-{name}.mp4")
}

/// A segment's blob.
pub(crate) fn segment_key(broadcast: BroadcastId, name: SegmentName) -> String {
    format!("recordings/{broadcast}/{}", segment_file(name))
}

/// An initialisation segment's blob.
pub(crate) fn init_key(broadcast: BroadcastId, name: SegmentName) -> String {
    format!("recordings/{broadcast}/{}", init_file(name))
}

/// The blob of a recording's picture.
pub(crate) fn thumbnail_key(broadcast: BroadcastId) -> String {
    format!("recordings/{broadcast}/thumbnail.jpg")
}

/// Every blob of a recording.
pub(super) fn recording_prefix(broadcast: BroadcastId) -> String {
    format!("recordings/{broadcast}/")
}

/// Where the indices of a replay are, one for each take, under the time of its end.
pub(super) fn replay_prefix(broadcast: BroadcastId) -> String {
    format!("replays/{broadcast}/")
}

/// Reads a recorded file wherever it is now.
pub(crate) async fn read_file(spool: &Path, blobs: &dyn Blobs, key: &str) -> Result<Bytes, BlobError> {
    let in_spool = spooled(spool, key);
    if let Some(bytes) = read_spooled(in_spool.as_deref()).await {
        return Ok(bytes);
    }
    match blobs.get(key, None).await {
        // Sealing may have moved the file between the two looks, or have failed and left it where it was.
        Err(BlobError::Missing(_)) => match read_spooled(in_spool.as_deref()).await {
            Some(bytes) => Ok(bytes),
            None => blobs.get(key, None).await,
        },
        answer => answer,
    }
}

/// Whether a recorded file is still in the spool.
pub(crate) async fn is_spooled(spool: &Path, key: &str) -> bool {
    let Some(path) = spooled(spool, key) else { return false };
    tokio::fs::try_exists(path).await.unwrap_or(false)
}

fn spooled(spool: &Path, key: &str) -> Option<PathBuf> {
    let (broadcast, file) = key.strip_prefix("recordings/")?.split_once('/')?;
    let number = file.split_once('-').and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok());
    let show = ShowTake::of(broadcast.parse().ok()?, SegmentName(number.unwrap_or_default()));
    Some(folder(spool, show).join(file))
}

async fn read_spooled(path: Option<&Path>) -> Option<Bytes> {
    tokio::fs::read(path?).await.ok().map(Bytes::from)
}
