//! Finished recordings among the blobs: found, and removed. Every process that has the blobs may ask.

use std::sync::Arc;

use bytes::Bytes;
use kernel::{BroadcastId, Timestamp};
use ports::blobs::{BlobError, Blobs};

use super::{files, index::ReplayIndex};

/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Where the marks of the sites are whose blobs these are.
const MARKS: &str = "site/";

/// The replays among the blobs.
#[derive(Clone)]
pub struct Replays {
    blobs: Arc<dyn Blobs>,
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replays")
    }
}

impl Replays {
    /// Those among `blobs`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self { blobs }
    }

    /// Whether the broadcast has one.
    ///
    /// # Errors
    /// When the blobs cannot be read.
    pub async fn has(&self, broadcast: BroadcastId) -> Result<bool, BlobError> {
        Ok(!self.blobs.list(&files::replay_prefix(broadcast)).await?.is_empty())
    }

    /// The broadcast's replay.
    pub(crate) async fn find(&self, broadcast: BroadcastId) -> Result<Option<ReplayIndex>, BlobError> {
        let mut takes = Vec::new();
        for key in self.blobs.list(&files::replay_prefix(broadcast)).await? {
            let data = self.blobs.get(&key, None).await?;
            let index = serde_json::from_slice(&data);
            takes.push(index.map_err(|error| BlobError::Engine { key, source: error.into() })?);
        }
        Ok(ReplayIndex::of_takes(takes))
    }

    /// Removes all that was recorded of the broadcast, as far as it is among the blobs; first what makes it a replay.
    ///
    /// # Errors
    /// When something cannot be removed; what is left is removed by the next call.
    pub async fn remove(&self, broadcast: BroadcastId) -> Result<(), BlobError> {
        self.blobs.delete_prefix(&files::replay_prefix(broadcast)).await?;
        self.blobs.delete_prefix(&files::recording_prefix(broadcast)).await
    }

    /// Replays that ended more than `days` days before `now`.
    ///
    /// # Errors
    /// When the blobs cannot be listed.
    pub async fn older_than(&self, days: u32, now: Timestamp) -> Result<Vec<BroadcastId>, BlobError> {
        let keys = self.blobs.list("replays/").await?;
        let old = keys.iter().filter_map(|key| {
            let (broadcast, file) = key.strip_prefix("replays/")?.split_once('/')?;
            let name = file.strip_suffix(".json")?;
            let ended_at_ms: i64 = name.split_once('-').map_or(name, |(ended_at, _)| ended_at).parse().ok()?;
            let age_ms = now.millis_since(Timestamp::from_millis(ended_at_ms));
            if age_ms > i64::from(days) * DAY_MS { broadcast.parse().ok() } else { None }
        });
        let mut old: Vec<BroadcastId> = old.collect();
        // A show has an index for each of its takes, side by side.
        old.dedup();
        Ok(old)
    }

    /// Whether these blobs were marked so.
    ///
    /// # Errors
    /// When the blobs cannot be read.
    pub async fn has_mark(&self, mark: &str) -> Result<bool, BlobError> {
        match self.blobs.size(&format!("{MARKS}{mark}")).await {
            Ok(_) => Ok(true),
            Err(BlobError::Missing(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Marks these blobs.
    ///
    /// # Errors
    /// When the mark cannot be kept.
    pub async fn set_mark(&self, mark: &str) -> Result<(), BlobError> {
        self.blobs.put(&format!("{MARKS}{mark}"), Bytes::copy_from_slice(mark.as_bytes())).await
    }
}
