//! The versions that publishers give their publications: what is not newer than the channel's newest is not published.
//!
//! Lost when the process ends, as the windows are that they go with.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard as PlainGuard, PoisonError},
};

use kernel::recent::Recent;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

/// Channels whose versions are remembered at the most; beyond, those that were used least are forgotten.
const CHANNELS_MAX: usize = 100_000;
/// Versioned publications of one channel are made one after the other, and so are those of others in its stripe.
const STRIPES: usize = 64;

/// The version of one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: u64,
    /// Names the history that the number counts in; empty: whichever is there.
    pub(super) epoch: String,
}

/// The newest of each channel.
pub(super) struct Versions {
    newest: Mutex<Recent<String, Version>>,
    turns: Vec<AsyncMutex<()>>,
    hasher: RandomState,
}

impl Default for Versions {
    fn default() -> Self {
        let turns = (0..STRIPES).map(|_| AsyncMutex::default()).collect();
        Self { newest: Mutex::new(Recent::new(CHANNELS_MAX)), turns, hasher: RandomState::new() }
    }
}

impl Versions {
    /// To be held from [`Self::is_newer`] until the publication is made: what is compared is also what stands there then.
    pub(super) async fn turn(&self, channel: &str) -> MutexGuard<'_, ()> {
        self.turns[self.hasher.hash_one(channel) as usize % STRIPES].lock().await
    }

    /// Whether the version is above the channel's newest, or of another history.
    pub(super) fn is_newer(&self, channel: &str, version: &Version) -> bool {
        self.newest().get(channel).is_none_or(|newest| {
            let same_history = version.epoch.is_empty() || version.epoch == newest.epoch;
            !same_history || version.number > newest.number
        })
    }

    /// The version was published.
    pub(super) fn published(&self, channel: &str, version: Version) {
        self.newest().insert(channel.to_owned(), version);
    }

    fn newest(&self) -> PlainGuard<'_, Recent<String, Version>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_above_or_of_another_history_is_newer() {
        let version = |number, epoch: &str| Version { number, epoch: epoch.into() };
        let versions = Versions::default();
        assert!(versions.is_newer("a", &version(1, "x")));
        versions.published("a", version(5, "x"));
        for (number, epoch, newer) in [(5, "x", false), (6, "x", true), (4, "", false), (6, "", true), (1, "y", true)] {
            assert_eq!(versions.is_newer("a", &version(number, epoch)), newer, "{number} {epoch}");
        }
        assert!(versions.is_newer("b", &version(1, "x")));
    }
}
