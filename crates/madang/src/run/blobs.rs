//! Where recordings and pictures are kept: in the data folder, in a folder that is shared, or in S3.

use std::sync::Arc;

use engines::{embedded::FileBlobs, system::SystemRandom};
use ports::blobs::Blobs;

use super::AnyError;
use crate::config::{Config, Engines};

/// The folder of blobs in the data folder.
const FOLDER: &str = "blobs";

/// Opens the store that the settings name.
pub(super) async fn open(config: &Config) -> Result<Arc<dyn Blobs>, AnyError> {
    let Engines { s3, blobs_folder, .. } = &config.engines;
    if !s3.is_empty() {
        return in_s3(s3).await;
    }
    if blobs_folder.as_os_str().is_empty() {
        return Ok(Arc::new(FileBlobs::open(config.data_dir.join(FOLDER)).await?));
    }
    let opened = FileBlobs::open_shared(blobs_folder, &SystemRandom).await;
    let explain = |error| {
        let folder = blobs_folder.display();
        format!(
            "the folder {folder} of the setting engines.blobs_folder cannot be used: {error}; is the share mounted?"
        )
    };
    Ok(Arc::new(opened.map_err(explain)?))
}

#[cfg(feature = "s3")]
async fn in_s3(url: &str) -> Result<Arc<dyn Blobs>, AnyError> {
    use engines::s3::{S3Blobs, S3Credentials, S3Location};

    let location = S3Location::parse(url).map_err(|error| format!("engines.s3 cannot be used: {error}"))?;
    let credentials = S3Credentials::from_variables(|name| std::env::var(name).ok())
        .map_err(|error| format!("engines.s3 names a bucket, but not who we are there: {error}"))?;
    let opened = S3Blobs::open(&location, credentials).await;
    let blobs = opened.map_err(|error| format!("the S3 of the setting engines.s3 cannot be used: {error}"))?;
    Ok(Arc::new(blobs))
}

/// The settings have been refused before.
#[cfg(not(feature = "s3"))]
async fn in_s3(_: &str) -> Result<Arc<dyn Blobs>, AnyError> {
    Err("this binary was built without an S3 client".into())
}
