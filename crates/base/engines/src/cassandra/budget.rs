//! What may wait to be appended. Appends to one room go one after the other: they would only fail each other's condition.

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::Arc, time::Duration};

use ports::room_log::RoomLogError;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

const GROUPS_MAX: usize = 4_096;
const BYTES_MAX: usize = 64 << 20;
/// Rooms share these, so that their number has no limit; two that meet on one wait for each other.
const TURNS: usize = 1_024;
/// How long a group waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Budget {
    groups: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    turns: Vec<Arc<Mutex<()>>>,
    hashes: RandomState,
}

/// A group's turn, and its part of what may wait.
pub(super) struct Held {
    _parts: [OwnedSemaphorePermit; 2],
    _turn: OwnedMutexGuard<()>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            groups: Arc::new(Semaphore::new(GROUPS_MAX)),
            bytes: Arc::new(Semaphore::new(BYTES_MAX)),
            turns: (0..TURNS).map(|_| Arc::default()).collect(),
            hashes: RandomState::new(),
        }
    }
}

impl Budget {
    /// Waits for the room's turn; an error when too much waits already.
    pub(super) async fn hold(&self, room: &str, weight: usize) -> Result<Held, RoomLogError> {
        let full = || {
            metrics::counter!("madang_cassandra_refused_total").increment(1);
            RoomLogError::Engine(format!(
                "{GROUPS_MAX} groups or {BYTES_MAX} bytes wait for Cassandra, which is the limit"
            ))
        };
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let group = self.groups.clone().try_acquire_owned().map_err(|_| full())?;
        let bytes = self.bytes.clone().try_acquire_many_owned(weight).map_err(|_| full())?;
        let place = self.hashes.hash_one(room) as usize % TURNS;
        let turn = tokio::time::timeout(PATIENCE, self.turns[place].clone().lock_owned());
        let turn = turn.await.map_err(|_| RoomLogError::Engine("Cassandra did not get to it in time".into()))?;
        Ok(Held { _parts: [group, bytes], _turn: turn })
    }
}
