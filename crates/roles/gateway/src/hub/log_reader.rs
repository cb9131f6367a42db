//! The room log, read by a bounded number of readers at once.

use std::sync::Arc;

use ports::room_log::{Head, Record, RoomLog, RoomLogError};
use tokio::sync::Semaphore;

/// Reads the logs of rooms.
#[derive(Clone)]
pub(crate) struct LogReader {
    log: Arc<dyn RoomLog>,
    reads: Arc<Semaphore>,
}

impl LogReader {
    pub(super) fn new(log: Arc<dyn RoomLog>, reads_max: usize) -> Self {
        Self { log, reads: Arc::new(Semaphore::new(reads_max.max(1))) }
    }

    /// Where the room's log stands.
    pub(crate) async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        // The semaphore is never closed.
        let _permit = self.reads.acquire().await.ok();
        self.log.head(room).await
    }

    /// Records from `from` on.
    pub(crate) async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        let _permit = self.reads.acquire().await.ok();
        self.log.read(room, from, limit).await
    }
}
