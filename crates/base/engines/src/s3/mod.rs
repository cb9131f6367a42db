//! S3, or what speaks its protocol (MinIO, Ceph, R2 and others): blobs as objects of a bucket, under a prefix; the key is the
//! rest of the object's name.
//!
//! Promise: what `put…` has returned for is whole in the bucket, however many of its requests were refused or lost on the way;
//! what is refused for long ends with an error that says so, within [`line::RETRY_FOR`] and what one attempt takes. A blob may
//! be put again at any time. Credentials stand in no error and no log.
//!
//! Memory: blobs of more than [`upload::PIECE_BYTES`] are sent in pieces, two at a time. At most [`line::REQUESTS_MAX`] requests
//! are under way; more wait.

mod bucket;
mod credentials;
mod failure;
mod lifecycle;
mod line;
mod location;
mod upload;

use std::{ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::Method;
use kernel::Random;
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, StaticCredentialProvider,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as ObjectName,
    signer::Signer,
};
use ports::blobs::{BlobError, Blobs, check_key, check_prefix};

use self::{bucket::Bucket, failure::Failure, line::Dial, upload::Source};
pub use self::{
    credentials::{MissingVariable, S3Credentials},
    location::{InvalidS3Url, S3Location},
};
use crate::system::SystemRandom;

/// What is kept and removed again to see that it can be begins with this; no key can name it.
const TRIAL: &str = ".trial-";

/// The bucket cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("bucket {bucket:?}: {what}: {reason}")]
pub struct UnusableBucket {
    bucket: String,
    what: &'static str,
    reason: String,
}

/// Keeps blobs in a bucket.
pub struct S3Blobs {
    store: AmazonS3,
    bucket: Bucket,
    location: S3Location,
}

impl S3Blobs {
    /// Goes to the bucket, which has to be there, and sees that blobs can be listed, kept, read and removed in it; sees to its
    /// lifecycle rules, too.
    ///
    /// # Errors
    /// When it cannot be used; with the reason.
    pub async fn open(location: &S3Location, credentials: S3Credentials) -> Result<Self, UnusableBucket> {
        let unusable = |what, reason| UnusableBucket { bucket: location.bucket.clone(), what, reason };
        let dial = Dial::to(location).map_err(|reason| unusable("there is no way to it", reason))?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&location.bucket)
            .with_region(&location.region)
            .with_credentials(Arc::new(StaticCredentialProvider::new(credentials.into_aws())))
            .with_virtual_hosted_style_request(location.is_virtual_hosted())
            .with_retry(line::retries())
            .with_http_connector(dial.clone());
        if let Some(endpoint) = &location.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(true);
        }
        let store = builder.build().map_err(|error| unusable("it cannot be named", error.to_string()))?;
        let bucket = Bucket::new(location, dial, store.credentials().clone());
        let blobs = Self { store, bucket, location: location.clone() };
        blobs.try_out().await.map_err(|(what, error)| unusable(what, error.to_string()))?;
        lifecycle::see_to(&blobs.bucket, location).await;
        Ok(blobs)
    }

    async fn try_out(&self) -> Result<(), (&'static str, object_store::Error)> {
        // Processes of a site that start at once must not remove each other's.
        let mut own = [0; 8];
        let no_name = |error| object_store::Error::Generic { store: "S3", source: Box::new(error) };
        SystemRandom.fill(&mut own).map_err(|error| ("nothing is tried", no_name(error)))?;
        let name = self.name(&format!("{TRIAL}{:016x}", u64::from_le_bytes(own)));
        self.store.list(self.folder().as_ref()).try_next().await.map_err(|error| ("it cannot be listed", error))?;
        self.store
            .put(&name, Bytes::from_static(b"madang").into())
            .await
            .map_err(|error| ("nothing is kept", error))?;
        self.store.get(&name).await.map_err(|error| ("nothing can be read", error))?;
        let names = stream::iter([Ok(name)]).boxed();
        let removed: Result<Vec<_>, _> = self.store.delete_stream(names).try_collect().await;
        removed.map(drop).map_err(|error| ("nothing can be removed", error))
    }

    /// The object's name for a key.
    fn name(&self, key: &str) -> ObjectName {
        ObjectName::from(format!("{}{key}", self.location.folder()))
    }

    /// What all names begin with, if there is anything.
    fn folder(&self) -> Option<ObjectName> {
        (!self.location.prefix.is_empty()).then(|| ObjectName::from(self.location.prefix.as_str()))
    }

    async fn names(&self, prefix: &str) -> Result<Vec<ObjectName>, BlobError> {
        let folder = self.name(check_prefix(prefix)?);
        let found = self.store.list(Some(&folder)).map_ok(|object| object.location).try_collect().await;
        found.map_err(|error| failure::of_reading(prefix, error))
    }

    async fn send(&self, key: &str, source: Source<'_>) -> Result<(), BlobError> {
        let sent = upload::send(&self.store, &self.name(key), source).await;
        sent.map_err(|failure| match failure {
            Failure::Store(error) => failure::of_writing(key, error),
            Failure::Local(source) => BlobError::Engine { key: key.to_owned(), source },
        })
    }
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn put(&self, key: &str, data: Bytes) -> Result<(), BlobError> {
        check_key(key)?;
        self.send(key, Source::Memory(data)).await
    }

    async fn put_file(&self, key: &str, path: &Path) -> Result<(), BlobError> {
        check_key(key)?;
        self.send(key, Source::File(path)).await?;
        let removed = tokio::fs::remove_file(path).await;
        removed.map_err(|source| BlobError::Engine { key: key.to_owned(), source })
    }

    async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Bytes, BlobError> {
        check_key(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return self.size(key).await.map(|_| Bytes::new());
        }
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let read = async { self.store.get_opts(&self.name(key), options).await?.bytes().await };
        match read.await {
            // The blob ends before the range begins.
            Err(error) if error.to_string().contains("InvalidRange") => Ok(Bytes::new()),
            result => result.map_err(|error| failure::of_reading(key, error)),
        }
    }

    async fn size(&self, key: &str) -> Result<u64, BlobError> {
        check_key(key)?;
        let found = self.store.head(&self.name(key)).await;
        found.map(|object| object.size).map_err(|error| failure::of_reading(key, error))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let names = self.names(prefix).await?;
        let folder = self.location.folder();
        let key = |name: &ObjectName| name.as_ref().strip_prefix(&folder).map(str::to_owned);
        let mut keys: Vec<String> = names.iter().filter_map(key).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), BlobError> {
        let names = self.names(prefix).await?;
        let removed: Result<Vec<_>, _> =
            self.store.delete_stream(stream::iter(names.into_iter().map(Ok)).boxed()).try_collect().await;
        removed.map(drop).map_err(|error| failure::of_writing(prefix, error))
    }

    async fn address(&self, key: &str, holds: Duration) -> Result<Option<String>, BlobError> {
        check_key(key)?;
        let signed = self.store.signed_url(Method::GET, &self.name(key), holds).await;
        signed.map(|url| Some(url.into())).map_err(|error| failure::of_reading(key, error))
    }

    async fn answers(&self) -> Result<(), BlobError> {
        self.bucket.is_there().await.map_err(|reason| BlobError::Away { key: String::new(), reason })
    }
}
