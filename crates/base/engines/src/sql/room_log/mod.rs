//! The room log on SQL: SQLite in a file of its own, or PostgreSQL; one text for both.
//!
//! A row per group of messages, not per message: `room_groups` holds the entries of a group as one value, `room_keys`
//! where each key stands, `rooms` where each log stands. The conditional append is an `UPDATE` of the room's row that
//! names the expected place: on PostgreSQL the row's lock lets one of two writers through and shows the other that the
//! place is taken; on SQLite there is one writer.
//!
//! Promise: that of [`ports::room_log`]. On SQLite appends that wait while a transaction is being synced share the next
//! one. Bounded: appends that wait hold at most 4,096 groups and 64 MiB; beyond, an append is refused by an engine error.
//!
//! May lose: nothing that was acknowledged.

mod append;
mod head;
mod read;
#[cfg(test)]
mod tests;
mod writer;

use async_trait::async_trait;
use ports::room_log::{
    Appended, Entry, Head, Record, RoomLog, RoomLogError, check_group, check_lookup, check_read, check_room,
};
use ports::sql::{Database, Migration, SqlError};

/// The tables of the room log, in a database of its own (SQLite) or beside the others (PostgreSQL).
pub const ROOM_LOG_MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_02,
    name: "room log",
    sql: "CREATE TABLE rooms (
            id {identity},
            name TEXT NOT NULL UNIQUE,
            epoch TEXT NOT NULL,
            next BIGINT NOT NULL
          );
          CREATE TABLE room_groups (
            room BIGINT NOT NULL,
            first BIGINT NOT NULL,
            entries {bytes} NOT NULL,
            PRIMARY KEY (room, first)
          );
          CREATE TABLE room_keys (
            room BIGINT NOT NULL,
            key TEXT NOT NULL,
            place BIGINT NOT NULL,
            PRIMARY KEY (room, key)
          );",
}];

/// The room log of a SQL database.
#[derive(Debug)]
pub struct SqlRoomLog {
    database: Database,
    writer: writer::Writer,
}

impl SqlRoomLog {
    /// The room log of `database`, which has [`ROOM_LOG_MIGRATIONS`]. Must be called inside a tokio runtime: on SQLite
    /// it starts the writer's task, which ends when the log is dropped and the appends that wait are answered.
    pub fn new(database: Database) -> Self {
        Self { writer: writer::Writer::start(database.clone()), database }
    }
}

#[async_trait]
impl RoomLog for SqlRoomLog {
    async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        check_room(room)?;
        head::head(&self.database, room).await
    }

    async fn append(
        &self,
        room: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError> {
        check_group(room, expected_next, &group)?;
        let append = append::Append { room: room.to_owned(), epoch: epoch.to_owned(), expected_next, group };
        self.writer.append(append).await
    }

    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        check_read(room, limit)?;
        read::records(self.database.reader(), room, from.max(1), limit).await
    }

    async fn offsets_of(&self, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        check_lookup(room, keys)?;
        read::offsets(self.database.reader(), room, keys).await.map_err(failed)
    }
}

fn failed(error: SqlError) -> RoomLogError {
    RoomLogError::Engine(error.to_string())
}

/// An offset as the column keeps it; the rules have checked that those to write fit.
fn column(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
