//! A room of a log, read by a bounded number of readers at once.

use std::sync::Arc;

use ports::room_log::{Head, Record, RoomLogError};
use tokio::sync::Semaphore;

use crate::needs::Room;

/// Reads one room.
#[derive(Clone)]
pub(crate) struct LogReader {
    room: Room,
    /// Shared by the readers of all rooms.
    reads: Arc<Semaphore>,
}

impl LogReader {
    pub(super) fn new(room: Room, reads: Arc<Semaphore>) -> Self {
        Self { room, reads }
    }

    /// The room's name.
    pub(crate) fn room(&self) -> &str {
        &self.room.name
    }

    /// Where the room's log stands.
    pub(crate) async fn head(&self) -> Result<Head, RoomLogError> {
        // The semaphore is never closed.
        let _permit = self.reads.acquire().await.ok();
        self.room.log.head(&self.room.name).await
    }

    /// Records from `from` on.
    pub(crate) async fn read(&self, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        let _permit = self.reads.acquire().await.ok();
        self.room.log.read(&self.room.name, from, limit).await
    }
}
