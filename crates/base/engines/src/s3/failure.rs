//! What went wrong, as blobs say it.

use std::io;

use object_store::Error;
use ports::blobs::BlobError;

/// Why something was not sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// The store did not take it.
    Store(Error),
    /// The local file could not be read.
    Local(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error)
    }
}

/// What it means for one who reads `key`.
pub(super) fn of_reading(key: &str, error: Error) -> BlobError {
    match error {
        // A bucket that is gone is "not found", too.
        Error::NotFound { source, .. } if !source.to_string().contains("NoSuchBucket") => {
            BlobError::Missing(key.to_owned())
        }
        error => of_writing(key, error),
    }
}

/// What it means for one who keeps or removes `key`.
pub(super) fn of_writing(key: &str, error: Error) -> BlobError {
    let (key, reason) = (key.to_owned(), error.to_string());
    match error {
        // What was tried again to the end, and an upload that somebody else has ended.
        Error::Generic { .. } | Error::NotFound { .. } | Error::JoinError { .. } => BlobError::Away { key, reason },
        _ => BlobError::Engine { key, source: io::Error::other(reason) },
    }
}
