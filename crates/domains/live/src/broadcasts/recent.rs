//! Broadcasts as they were a moment ago, so that counting a crowd does not ask the store each time.
//!
//! Promise: at most [`FRESH_MS`] old, at most [`ENTRIES_MAX`] entries; what this process wrote is seen at once, because
//! an older version never replaces a newer one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kernel::{BroadcastId, Timestamp};

use super::model::Broadcast;

const FRESH_MS: i64 = 1_000;
const ENTRIES_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<HashMap<BroadcastId, (Broadcast, Timestamp)>>);

impl Recent {
    /// The broadcast, if it was read or written within the last second.
    pub(super) fn get(&self, id: BroadcastId, now: Timestamp) -> Option<Broadcast> {
        let entries = self.entries();
        let (broadcast, read_at) = entries.get(&id)?;
        is_fresh(*read_at, now).then(|| broadcast.clone())
    }

    /// Keeps what was read or written at `now`.
    pub(super) fn put(&self, broadcast: &Broadcast, now: Timestamp) {
        let mut entries = self.entries();
        if entries.get(&broadcast.id).is_some_and(|(kept, _)| kept.version > broadcast.version) {
            return;
        }
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (_, read_at)| is_fresh(*read_at, now));
        }
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(broadcast.id, (broadcast.clone(), now));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<BroadcastId, (Broadcast, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    (0..FRESH_MS).contains(&now.millis_since(read_at))
}
