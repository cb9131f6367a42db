//! Broadcasts as they were a moment ago, so that watching one does not ask the store each time.
//!
//! Promise: at most [`FRESH_MS`] old, at most [`ENTRIES_MAX`] entries; what this process wrote is seen at once, because
//! an older version never replaces a newer one.

use std::sync::{Mutex, PoisonError};

use kernel::{BroadcastId, Timestamp, recent::Recent};

use super::model::{Broadcast, StreamPlace};

const FRESH_MS: i64 = 1_000;
const ENTRIES_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct RecentBroadcasts(Mutex<Recent<BroadcastId, (Broadcast, Timestamp)>>);

impl RecentBroadcasts {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(ENTRIES_MAX)))
    }

    /// The broadcast, if it was read or written within the last second.
    pub(super) fn get(&self, id: BroadcastId, now: Timestamp) -> Option<Broadcast> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (broadcast, read_at) = entries.get(&id)?;
        // A clock that was set back makes an entry of unknown age.
        (0..FRESH_MS).contains(&now.millis_since(*read_at)).then(|| broadcast.clone())
    }

    /// The next one who asks reads it anew.
    pub(super) fn forget(&self, id: BroadcastId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Keeps what was read or written at `now`.
    pub(super) fn put(&self, broadcast: &Broadcast, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = entries.get(&broadcast.id).is_some_and(|(kept, _)| kept.version > broadcast.version);
        if !is_older {
            entries.insert(broadcast.id, (broadcast.clone(), now));
        }
    }
}

/// Where streams were a moment ago: in no other process known of, or there.
#[derive(Debug)]
pub(super) struct RecentPlaces(Mutex<Recent<BroadcastId, (Option<StreamPlace>, Timestamp)>>);

impl RecentPlaces {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(ENTRIES_MAX)))
    }

    /// What was read within the last second.
    pub(super) fn get(&self, id: BroadcastId, now: Timestamp) -> Option<Option<StreamPlace>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, read_at) = entries.get(&id)?;
        (0..FRESH_MS).contains(&now.millis_since(*read_at)).then(|| place.clone())
    }

    /// Keeps what was read at `now`.
    pub(super) fn put(&self, id: BroadcastId, place: Option<StreamPlace>, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (place, now));
    }
}
