//! Sending a blob: small ones in one request, large ones in pieces that become a blob together.

use std::{io::SeekFrom, path::Path, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    ObjectStoreExt,
    aws::AmazonS3,
    multipart::{MultipartStore, PartId},
    path::Path as ObjectName,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    runtime::Handle,
    time::timeout,
};

use super::failure::Failure;

/// Bytes sent in one request at the most, and of each piece. S3 wants 5 MiB at the least.
pub(super) const PIECE_BYTES: u64 = 8 << 20;
/// Pieces of a blob at the most, as S3 has it; beyond 80 GB they are larger.
const PIECES_MAX: u64 = 10_000;
/// Pieces of a blob on their way at once: as much memory it takes.
const PIECES_AT_ONCE: usize = 2;
/// How long giving up may take.
const GIVING_UP: Duration = Duration::from_secs(5);

/// What is sent.
pub(super) enum Source<'a> {
    Memory(Bytes),
    File(&'a Path),
}

impl Source<'_> {
    async fn length(&self) -> std::io::Result<u64> {
        match self {
            Self::Memory(data) => Ok(data.len() as u64),
            Self::File(path) => Ok(tokio::fs::metadata(path).await?.len()),
        }
    }

    /// So many bytes from there on; an error when there are fewer.
    async fn piece(&self, from: u64, length: u64) -> std::io::Result<Bytes> {
        match self {
            // It lies within what `length` has told.
            Self::Memory(data) => Ok(data.slice(from as usize..(from + length) as usize)),
            Self::File(path) => {
                let mut file = File::open(path).await?;
                file.seek(SeekFrom::Start(from)).await?;
                let mut piece = vec![0; length as usize];
                file.read_exact(&mut piece).await?;
                Ok(piece.into())
            }
        }
    }
}

/// Sends it; there is nothing under the name, or what was there, until all of it has arrived.
pub(super) async fn send(store: &AmazonS3, name: &ObjectName, source: Source<'_>) -> Result<(), Failure> {
    let length = source.length().await?;
    if length <= PIECE_BYTES {
        let all = source.piece(0, length).await?;
        store.put(name, all.into()).await?;
        return Ok(());
    }
    let unfinished = Unfinished::begin(store, name).await?;
    match in_pieces(&unfinished, &source, length).await {
        Ok(()) => {
            unfinished.finished();
            Ok(())
        }
        Err(failure) => {
            unfinished.give_up().await;
            Err(failure)
        }
    }
}

async fn in_pieces(upload: &Unfinished, source: &Source<'_>, length: u64) -> Result<(), Failure> {
    let piece_bytes = PIECE_BYTES.max(length.div_ceil(PIECES_MAX));
    let Unfinished { store, name, id, .. } = upload;
    let pieces = (0..length.div_ceil(piece_bytes)).map(|number| async move {
        let from = number * piece_bytes;
        let piece = source.piece(from, piece_bytes.min(length - from)).await?;
        Ok::<PartId, Failure>(store.put_part(name, id, number as usize, piece.into()).await?)
    });
    let parts: Vec<PartId> = stream::iter(pieces).buffered(PIECES_AT_ONCE).try_collect().await?;
    store.complete_multipart(name, id, parts).await?;
    Ok(())
}

/// An upload whose pieces take room in the bucket until it is finished or given up, which dropping it does, too.
struct Unfinished {
    store: AmazonS3,
    name: ObjectName,
    id: String,
    is_open: bool,
}

impl Unfinished {
    async fn begin(store: &AmazonS3, name: &ObjectName) -> Result<Self, Failure> {
        let id = store.create_multipart(name).await?;
        Ok(Self { store: store.clone(), name: name.clone(), id, is_open: true })
    }

    fn finished(mut self) {
        self.is_open = false;
    }

    async fn give_up(mut self) {
        self.is_open = false;
        abort(self.store.clone(), self.name.clone(), self.id.clone()).await;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let (true, Ok(runtime)) = (self.is_open, Handle::try_current()) {
            runtime.spawn(abort(self.store.clone(), self.name.clone(), std::mem::take(&mut self.id)));
        }
    }
}

/// What fails here is left to the bucket's lifecycle rule.
async fn abort(store: AmazonS3, name: ObjectName, id: String) {
    match timeout(GIVING_UP, store.abort_multipart(&name, &id)).await {
        Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => (),
        Ok(Err(error)) => tracing::warn!(%name, %error, "the pieces of an upload that failed stay in the bucket"),
        Err(_) => tracing::warn!(%name, "the pieces of an upload that failed stay in the bucket: S3 does not answer"),
    }
}
