//! Blobs: sealed, immutable files under a key.
//!
//! | engine | durable when `put…` returns | atomic |
//! |---|---|---|
//! | embedded (files in the data folder, or in a folder that several machines share) | file and folder entry synced to the disk | a key is absent or whole: written beside, then renamed |
//! | S3 | S3 has answered that it keeps it | a key is absent or whole: one request, or parts that become the blob with the last one |
//!
//! A blob never changes: putting the same key again replaces it whole. A reader that has opened a blob sees one version. What
//! failed may be asked for again: a `put…` that failed has kept the blob or not, and one more makes it so; the local file of a
//! `put_file` that failed is where it was.

use std::{ops::Range, path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 512;
/// Bytes of each name in a key: as many as file systems take.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// Why a blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob under this key.
    #[error("no blob {0:?}")]
    Missing(String),
    /// The key is not a relative path of plain names.
    #[error(
        "{0:?} is not a blob key: plain names of {KEY_NAME_BYTES_MAX} bytes joined by '/' are expected, {KEY_BYTES_MAX} bytes at \
         the most"
    )]
    InvalidKey(String),
    /// The store does not answer, or refuses everything for now; later it may not.
    #[error("blob {key:?}: the store cannot be used now: {reason}")]
    Away {
        /// The key that was asked for.
        key: String,
        /// What was tried and how it ended.
        reason: String,
    },
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
    /// An address from which anybody who has it may read the blob for so long without asking us; none where the engine has no
    /// addresses. It says nothing of whether the blob is there.
    async fn address(&self, key: &str, holds: Duration) -> Result<Option<String>, BlobError> {
        let _ = holds;
        check_key(key).map(|()| None)
    }
    /// Whether the store answers now; asks once.
    async fn answers(&self) -> Result<(), BlobError>;
}

/// Refuses what is no key.
///
/// # Errors
/// `InvalidKey`.
pub fn check_key(key: &str) -> Result<(), BlobError> {
    let is_plain = |name: &str| {
        !name.is_empty()
            && name.len() <= KEY_NAME_BYTES_MAX
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let is_key = key.len() <= KEY_BYTES_MAX && key.split('/').all(is_plain);
    if is_key { Ok(()) } else { Err(BlobError::InvalidKey(key.to_owned())) }
}

/// The prefix without its last `/`; refuses what is none.
///
/// # Errors
/// `InvalidKey`.
pub fn check_prefix(prefix: &str) -> Result<&str, BlobError> {
    let folder = prefix.strip_suffix('/').ok_or_else(|| BlobError::InvalidKey(prefix.to_owned()))?;
    check_key(folder).map_err(|_| BlobError::InvalidKey(prefix.to_owned()))?;
    Ok(folder)
}
