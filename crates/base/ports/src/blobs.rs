//! Blobs: sealed, immutable files under a key.
//!
//! | engine | durable when `put…` returns | atomic |
//! |---|---|---|
//! | embedded (files in the data folder) | file and folder entry synced to the disk | a key is absent or whole: written beside, then renamed |
//!
//! A blob never changes: putting the same key again replaces it whole. A reader that has opened a blob sees one version.

use std::{ops::Range, path::Path};

use async_trait::async_trait;
use bytes::Bytes;

/// Why a blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob under this key.
    #[error("no blob {0:?}")]
    Missing(String),
    /// The key is not a relative path of plain names.
    #[error("{0:?} is not a blob key: plain names joined by '/' are expected")]
    InvalidKey(String),
    /// The engine failed.
    #[error("blob {key:?}: {source}")]
    Engine {
        /// The key that was asked for.
        key: String,
        /// What the engine said.
        source: std::io::Error,
    },
}

/// A store of blobs. Keys are plain names joined by `/` (letters, digits, `.`, `_`, `-`), e.g. `recordings/17/4.m4s`.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Keeps `data` under `key`.
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError>;
    /// Keeps the local file at `path` under `key`; the file is gone afterwards.
    async fn put_file(&self, key: &str, path: &Path) -> Result<(), BlobError>;
    /// The whole blob, or the part of it in `range` (bytes, cut at its end).
    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Bytes, BlobError>;
    /// The size in bytes.
    async fn size(&self, key: &str) -> Result<u64, BlobError>;
    /// The keys that start with `prefix` (which ends in `/`), in order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError>;
    /// Removes all blobs whose key starts with `prefix` (which ends in `/`). None there: nothing to do.
    async fn delete_prefix(&self, prefix: &str) -> Result<(), BlobError>;
}
