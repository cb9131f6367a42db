//! Blobs as files in a folder: written beside, synced, renamed, and the folder synced.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use ports::blobs::{BlobError, Blobs};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

/// Keeps blobs as files under a root folder; the key is the relative path.
#[derive(Debug)]
pub struct FileBlobs {
    root: PathBuf,
    written: AtomicU64,
}

impl FileBlobs {
    /// Keeps blobs under `root`, which is made when missing. What a crash left half-written is removed.
    pub async fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let unfinished = root.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&unfinished).await?,
        }
        Ok(Self { root, written: AtomicU64::new(0) })
    }

    fn path(&self, key: &str) -> Result<PathBuf, BlobError> {
        let plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let valid = !key.is_empty() && key.len() <= 512 && key.split('/').all(plain);
        if valid { Ok(self.root.join(key)) } else { Err(BlobError::InvalidKey(key.to_owned())) }
    }

    async fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        let folder = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).await?;
        fs::rename(from, to).await?;
        // Each folder up to the root: those above may be new as well.
        for folder in folder.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            fs::File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    }
}

/// Where blobs are written before they get their name; no key can name it.
const UNFINISHED: &str = ".unfinished";

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError> {
        let path = self.path(key)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(UNFINISHED).join(number.to_string());
        let written = async {
            let mut file = fs::File::create(&temporary).await?;
            file.write_all(&data).await?;
            file.sync_all().await?;
            self.publish(&temporary, &path).await
        };
        written.await.map_err(|source| engine(key, source))
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result<(), BlobError> {
        let path = self.path(key)?;
        let moved = async {
            fs::File::open(file).await?.sync_all().await?;
            self.publish(file, &path).await
        };
        match moved.await {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let data = fs::read(file).await.map_err(|source| engine(key, source))?;
                self.put(key, data.into()).await?;
                fs::remove_file(file).await.map_err(|source| engine(key, source))
            }
            result => result.map_err(|source| engine(key, source)),
        }
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Bytes, BlobError> {
        let path = self.path(key)?;
        let read = async {
            let Some(range) = range else { return fs::read(&path).await };
            let mut file = fs::File::open(&path).await?;
            file.seek(io::SeekFrom::Start(range.start)).await?;
            let mut data = Vec::new();
            file.take(range.end.saturating_sub(range.start)).read_to_end(&mut data).await?;
            Ok(data)
        };
        read.await.map(Bytes::from).map_err(|source| engine(key, source))
    }

    async fn size(&self, key: &str) -> Result<u64, BlobError> {
        let path = self.path(key)?;
        fs::metadata(path).await.map(|metadata| metadata.len()).map_err(|source| engine(key, source))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let folder = self.path(prefix.trim_end_matches('/'))?;
        let mut keys = Vec::new();
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            let mut entries = match fs::read_dir(&folder).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                result => result.map_err(|source| engine(prefix, source))?,
            };
            while let Some(entry) = entries.next_entry().await.map_err(|source| engine(prefix, source))? {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else if let Some(key) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                    keys.push(key.to_owned());
                }
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), BlobError> {
        let folder = self.path(prefix.trim_end_matches('/'))?;
        match fs::remove_dir_all(folder).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(engine(prefix, error)),
            _ => Ok(()),
        }
    }
}

fn engine(key: &str, source: io::Error) -> BlobError {
    if source.kind() == io::ErrorKind::NotFound {
        return BlobError::Missing(key.to_owned());
    }
    BlobError::Engine { key: key.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_reads_lists_and_deletes() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path().join("blobs")).await.unwrap();
        blobs.put("a/1.m4s", Bytes::from_static(b"hello")).await.unwrap();
        let file = folder.path().join("spooled");
        std::fs::write(&file, b"world").unwrap();
        blobs.put_file("a/2.m4s", &file).await.unwrap();
        assert!(!file.exists());
        assert_eq!(blobs.get("a/1.m4s", Some(1..3)).await.unwrap(), Bytes::from_static(b"el"));
        assert_eq!(blobs.get("a/1.m4s", Some(4..99)).await.unwrap(), Bytes::from_static(b"o"));
        assert_eq!(blobs.size("a/2.m4s").await.unwrap(), 5);
        assert_eq!(blobs.list("a/").await.unwrap(), ["a/1.m4s", "a/2.m4s"]);
        blobs.delete_prefix("a/").await.unwrap();
        assert!(matches!(blobs.get("a/1.m4s", None).await, Err(BlobError::Missing(_))));
    }

    #[tokio::test]
    async fn refuses_keys_that_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path()).await.unwrap();
        for key in ["../a", "/a", "a//b", "a/..", "", ".unfinished/1", "a b", "가"] {
            assert!(matches!(blobs.put(key, Bytes::new()).await, Err(BlobError::InvalidKey(_))), "{key}");
        }
    }
}
