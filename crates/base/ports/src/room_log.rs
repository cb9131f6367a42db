//! The room log: a room's messages in order. It owns the offset.
//!
//! **Order.** Offsets of a room are contiguous from 1. `append` is conditional: it succeeds only when the first entry of
//! the group gets exactly the offset the writer expected, so two writers can never interleave unseen; the loser is told
//! where the log stands and tries again. A writer that looked up a client's key at position `n` and then appends
//! expecting `n` therefore knows that nobody wrote that key in between.
//!
//! **Durable**, when `append` returns `Appended`:
//!
//! | engine | meaning |
//! |---|---|
//! | embedded (SQLite) | the group is synced to the disk (WAL, `synchronous=FULL`); groups of many rooms share one sync |
//! | PostgreSQL | committed with `synchronous_commit=on` |
//!
//! **Atomic.** A group is kept whole or not at all, its keys and redactions with it.
//!
//! **Lost.** Nothing that was acknowledged. An error answer means *unknown*: the group may or may not have been kept;
//! the writer reads the head (or looks its keys up) before it tries again.

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Timestamp;

/// Where a room's log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Names this history of the room; stays the same for the life of its log.
    pub epoch: String,
    /// The offset the next entry will get; 1 in an empty room.
    pub next: u64,
}

/// Replaces the bytes of an earlier entry: how a delete leaves a tombstone in the old place, never a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Whose bytes are replaced; must be smaller than the redacting entry's own offset.
    pub offset: u64,
    /// What stands there from now on.
    pub replacement: Bytes,
}

/// One entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The writer's own key for it, unique in the room: makes a resend recognisable. None: not looked up later.
    pub key: Option<String>,
    /// When it was accepted.
    pub at: Timestamp,
    /// What readers get: one JSON value.
    pub data: Bytes,
    /// An earlier entry whose bytes this one replaces.
    pub redacts: Option<Redaction>,
}

/// One entry as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub offset: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// Its bytes, or those a later redaction put there.
    pub data: Bytes,
}

/// How an append ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Kept and durable; the entries have the offsets `expected_next ..`.
    Ok,
    /// Nothing was kept: the log stands elsewhere (or has another epoch).
    Conflict {
        /// The offset the next entry would get.
        next: u64,
    },
}

/// Why the log could not answer.
#[derive(Debug, thiserror::Error)]
pub enum RoomLogError {
    /// The group breaks a rule of the log (empty, too large, a redaction of what is not there yet).
    #[error("room log: {0}")]
    Refused(String),
    /// The engine failed; after an append: unknown.
    #[error("room log: {0}")]
    Engine(String),
}

/// Entries in one group at the most.
pub const GROUP_ENTRIES_MAX: usize = 1_000;
/// Records in one read at the most.
pub const READ_MAX: usize = 1_000;

/// The messages of all rooms. A room is named by a short text, e.g. `chat:17`.
#[async_trait]
pub trait RoomLog: Send + Sync + 'static {
    /// Where the room's log stands; the first call for a room begins its log.
    async fn head(&self, room: &str) -> Result<Head, RoomLogError>;
    /// Appends a group if the log of this epoch stands exactly at `expected_next`.
    async fn append(
        &self,
        room: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError>;
    /// Up to `limit` records from `from` on, in order of offset.
    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError>;
    /// Where the entry with this key stands, if the room has one.
    async fn offset_of(&self, room: &str, key: &str) -> Result<Option<u64>, RoomLogError>;
}
