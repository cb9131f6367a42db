//! Where blobs are kept: which settings can be meant.

use super::{Config, Engines};

impl Config {
    /// The setting that cannot be meant, and why.
    pub(super) fn blobs_trouble(&self) -> Option<(&'static str, String)> {
        let Engines { s3, blobs_folder, .. } = &self.engines;
        if s3.is_empty() {
            return None;
        }
        if !blobs_folder.as_os_str().is_empty() {
            let reason = "blobs are kept in one place, and engines.s3 names another; leave one of them empty";
            return Some(("engines.blobs_folder", reason.into()));
        }
        wrong_with(s3).map(|reason| ("engines.s3", reason))
    }

    /// The site that viewers of replays are sent to, if they are.
    pub(super) fn store_origin(&self) -> Option<String> {
        if self.media.replays_from_store { origin_of(&self.engines.s3) } else { None }
    }
}

#[cfg(feature = "s3")]
fn origin_of(url: &str) -> Option<String> {
    engines::s3::S3Location::parse(url).ok().map(|location| location.origin())
}

#[cfg(not(feature = "s3"))]
fn origin_of(_: &str) -> Option<String> {
    None
}

#[cfg(feature = "s3")]
fn wrong_with(url: &str) -> Option<String> {
    engines::s3::S3Location::parse(url).err().map(|error| error.to_string())
}

#[cfg(not(feature = "s3"))]
fn wrong_with(_: &str) -> Option<String> {
    Some(super::built_without("an S3"))
}
