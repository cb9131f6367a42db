//! The rooms in which something was said since that was told last. Only a hint: a total that is asked for looks itself.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use kernel::BroadcastId;

/// Rooms that are remembered; those beyond are counted when they end, or when their total is asked for.
const ROOMS_MAX: usize = 10_000;

/// Rooms with something to tell.
#[derive(Default)]
pub(crate) struct Spoken(Mutex<HashSet<BroadcastId>>);

impl Spoken {
    /// Something was said in a room.
    pub(crate) fn in_room(&self, broadcast: BroadcastId) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() < ROOMS_MAX {
            rooms.insert(broadcast);
        }
    }

    /// The rooms, which are forgotten with this.
    pub(super) fn take(&self) -> HashSet<BroadcastId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
