//! Blobs in memory, some of which wait at a gate or are refused.

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use ports::blobs::{BlobError, Blobs};
use tokio::sync::Semaphore;

use crate::playback::tests::show::MemoryBlobs;

/// What is put under keys with this beginning and end…
pub(crate) struct Gated {
    kept: Arc<MemoryBlobs>,
    beginning: &'static str,
    ending: &'static str,
    /// …is refused, or waits until it may pass.
    refused: bool,
    gate: Semaphore,
    waiting: Semaphore,
}

impl Gated {
    /// Refuses what begins so.
    pub(crate) fn refusing(kept: &Arc<MemoryBlobs>, beginning: &'static str) -> Arc<Self> {
        Self::new(kept, beginning, "", true)
    }

    /// Lets what begins so wait.
    pub(crate) fn holding(kept: &Arc<MemoryBlobs>, beginning: &'static str) -> Arc<Self> {
        Self::new(kept, beginning, "", false)
    }

    /// Lets what ends so wait.
    pub(crate) fn holding_files(kept: &Arc<MemoryBlobs>, ending: &'static str) -> Arc<Self> {
        Self::new(kept, "", ending, false)
    }

    fn new(kept: &Arc<MemoryBlobs>, beginning: &'static str, ending: &'static str, refused: bool) -> Arc<Self> {
        let (kept, gate, waiting) = (kept.clone(), Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self { kept, beginning, ending, refused, gate, waiting })
    }

    /// Returns once one waits at the gate.
    pub(crate) async fn one_waits(&self) {
        self.waiting.acquire().await.unwrap().forget();
    }

    /// Lets one pass.
    pub(crate) fn open(&self) {
        self.gate.add_permits(1);
    }
}

#[async_trait]
impl Blobs for Gated {
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError> {
        if key.starts_with(self.beginning) && key.ends_with(self.ending) {
            if self.refused {
                return Err(BlobError::Engine { key: key.into(), source: std::io::ErrorKind::StorageFull.into() });
            }
            self.waiting.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
        self.kept.put(key, data).await
    }
    async fn put_file(&self, key: &str, path: &Path) -> Result<(), BlobError> {
        self.kept.put_file(key, path).await
    }
    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Bytes, BlobError> {
        self.kept.get(key, range).await
    }
    async fn size(&self, key: &str) -> Result<u64, BlobError> {
        self.kept.size(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        self.kept.list(prefix).await
    }
    async fn delete_prefix(&self, prefix: &str) -> Result<(), BlobError> {
        self.kept.delete_prefix(prefix).await
    }
    async fn answers(&self) -> Result<(), BlobError> {
        self.kept.answers().await
    }
}
