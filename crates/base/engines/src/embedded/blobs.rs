//! Blobs as files in a folder: written beside, synced, renamed, and the folder synced.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Random;
use ports::blobs::{BlobError, Blobs, check_key, check_prefix};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

/// Keeps blobs as files under a root folder; the key is the relative path.
#[derive(Debug)]
pub struct FileBlobs {
    root: PathBuf,
    unfinished: PathBuf,
    written: AtomicU64,
}

/// Where blobs are written before they get their name; no key can name it.
const UNFINISHED: &str = ".unfinished";
/// A process that shares the folder and has not touched an unfinished file for so long will not finish it.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

impl FileBlobs {
    /// Keeps blobs under `root`, which is made when missing and this process's alone. What a crash left half-written is removed.
    pub async fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let unfinished = root.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&unfinished).await?,
        }
        Ok(Self { root, unfinished, written: AtomicU64::new(0) })
    }

    /// Keeps blobs under `root`, which several processes use at once, perhaps on several machines. The folder has to be there: one
    /// that was made anew beside a share that is not mounted would hide it. What a crash left half-written is removed after a day.
    pub async fn open_shared(root: impl Into<PathBuf>, random: &dyn Random) -> io::Result<Self> {
        let root = root.into();
        let all = root.join(UNFINISHED);
        match fs::create_dir(&all).await {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => remove_abandoned(&all).await?,
        }
        let mut name = [0; 16];
        random.fill(&mut name).map_err(io::Error::other)?;
        let unfinished = all.join(format!("{:032x}", u128::from_le_bytes(name)));
        fs::create_dir(&unfinished).await?;
        Ok(Self { root, unfinished, written: AtomicU64::new(0) })
    }

    fn path(&self, key: &str) -> Result<PathBuf, BlobError> {
        check_key(key).map(|()| self.root.join(key))
    }

    fn temporary(&self) -> PathBuf {
        self.unfinished.join(self.written.fetch_add(1, Ordering::Relaxed).to_string())
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

    /// Writes beside, and publishes; what failed leaves nothing behind.
    async fn write<F: Future<Output = io::Result<()>>>(
        &self,
        to: &Path,
        fill: impl FnOnce(fs::File) -> F,
    ) -> io::Result<()> {
        let temporary = self.temporary();
        let written = async {
            // Another process may have taken a day without a blob for the end of this one.
            fs::create_dir_all(&self.unfinished).await?;
            fill(fs::File::create(&temporary).await?).await?;
            self.publish(&temporary, to).await
        };
        let result = written.await;
        if result.is_err() {
            // It may not even have been made.
            let _ = fs::remove_file(&temporary).await;
        }
        result
    }

    /// What a rename cannot do between two file systems.
    async fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut source = fs::File::open(from).await?;
        self.write(to, |mut file| async move {
            tokio::io::copy(&mut source, &mut file).await?;
            file.flush().await?;
            file.sync_all().await
        })
        .await?;
        fs::remove_file(from).await
    }
}

async fn remove_abandoned(all: &Path) -> io::Result<()> {
    let mut folders = fs::read_dir(all).await?;
    while let Some(folder) = folders.next_entry().await? {
        let touched = folder.metadata().await?.modified()?;
        if touched.elapsed().is_ok_and(|age| age > ABANDONED) {
            match fs::remove_dir_all(folder.path()).await {
                // Another process that begins now has done it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError> {
        let path = self.path(key)?;
        let written = self.write(&path, |mut file| async move {
            file.write_all(&data).await?;
            // What tokio holds back counts as written for it.
            file.flush().await?;
            file.sync_all().await
        });
        written.await.map_err(|source| BlobError::Engine { key: key.to_owned(), source })
    }

    async fn put_file(&self, key: &str, file: &Path) -> Result<(), BlobError> {
        let path = self.path(key)?;
        let moved = async {
            fs::File::open(file).await?.sync_all().await?;
            self.publish(file, &path).await
        };
        let kept = match moved.await {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => self.copy(file, &path).await,
            result => result,
        };
        kept.map_err(|source| BlobError::Engine { key: key.to_owned(), source })
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Bytes, BlobError> {
        let path = self.path(key)?;
        let read = async {
            let Some(range) = range else { return fs::read(&path).await };
            let mut file = fs::File::open(&path).await?;
            if !file.metadata().await?.is_file() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            file.seek(io::SeekFrom::Start(range.start)).await?;
            let mut data = Vec::new();
            file.take(range.end.saturating_sub(range.start)).read_to_end(&mut data).await?;
            Ok(data)
        };
        read.await.map(Bytes::from).map_err(|source| engine(key, source))
    }

    async fn size(&self, key: &str) -> Result<u64, BlobError> {
        let path = self.path(key)?;
        let metadata = fs::metadata(path).await.map_err(|source| engine(key, source))?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(BlobError::Missing(key.to_owned())) }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let folder = self.path(check_prefix(prefix)?)?;
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
        let folder = self.path(check_prefix(prefix)?)?;
        match fs::remove_dir_all(folder).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(engine(prefix, error)),
            _ => Ok(()),
        }
    }

    async fn answers(&self) -> Result<(), BlobError> {
        let looked = fs::metadata(self.root.join(UNFINISHED)).await;
        let away = |error| BlobError::Away { key: String::new(), reason: format!("{}: {error}", self.root.display()) };
        looked.map(drop).map_err(away)
    }
}

/// What a file system says of a key that is a folder of others, or lies below a blob: there is no such blob.
const MISSING: [io::ErrorKind; 3] =
    [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory, io::ErrorKind::NotADirectory];

fn engine(key: &str, source: io::Error) -> BlobError {
    if MISSING.contains(&source.kind()) {
        return BlobError::Missing(key.to_owned());
    }
    BlobError::Engine { key: key.to_owned(), source }
}

#[cfg(test)]
mod tests;
