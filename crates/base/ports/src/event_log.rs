//! The event log: facts in order, read by reactions with a cursor each.
//!
//! Facts leave it by [`EventLog::trim`] alone.
//!
//! Facts enter it through [`crate::sql::WriteTx::emit`], in the transaction of the records they speak of (outbox).
//!
//! | engine | order | delivery |
//! |---|---|---|
//! | embedded (the outbox itself, SQLite) | that of the commits: writers are serialised | at least once: a reader keeps its cursor after its effect |
//! | embedded (the outbox itself, PostgreSQL) | per key, that of the commits, where the key's record is what a transaction writes first; identities commit out of order, so a reader never passes a transaction that is still open | the same |

use std::time::Duration;

use async_trait::async_trait;
use kernel::Timestamp;

/// A place in the log. The first is `Cursor::default()`: before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor {
    /// The transaction (0 where the engine serialises writers).
    pub transaction: i64,
    /// The fact within the log.
    pub id: i64,
}

/// One fact as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The place just behind it.
    pub cursor: Cursor,
    /// Its kind, `domain.thing_happened`.
    pub kind: String,
    /// What it is about.
    pub key: String,
    /// Its JSON.
    pub payload: String,
    /// When it was written, by the clock of whoever wrote it.
    pub at: Timestamp,
}

/// Why the log could not answer.
#[derive(Debug, thiserror::Error)]
#[error("event log: {0}")]
pub struct EventLogError(pub String);

/// Reads facts in order, and keeps each reader's cursor.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Up to `limit` facts behind `after`.
    async fn read(&self, after: Cursor, limit: u32) -> Result<Vec<Fact>, EventLogError>;
    /// Where the reader `name` stands.
    async fn cursor(&self, name: &str) -> Result<Cursor, EventLogError>;
    /// Keeps where the reader `name` stands. It never goes back: a place before the one that is kept changes nothing.
    async fn keep_cursor(&self, name: &str, cursor: Cursor) -> Result<(), EventLogError>;
    /// Forgets the reader `name`: it holds nothing back any more.
    async fn forget_cursor(&self, name: &str) -> Result<(), EventLogError>;
    /// Removes the facts that were written before `older_than` and that every reader with a kept cursor has passed; where
    /// no reader has one, all that are older. Answers how many. Facts that remain keep their places, and no place is
    /// given to another fact.
    ///
    /// A reader that has kept no cursor yet holds nothing back: one that comes later begins with what is left.
    async fn trim(&self, older_than: Timestamp) -> Result<u64, EventLogError>;
    /// Returns when something may have been written, at the latest after `at_most`.
    async fn wait(&self, at_most: Duration);
}
