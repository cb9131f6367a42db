//! The room log: a room's messages in order. It owns the offset.
//!
//! **Order.** Offsets of a room are contiguous from 1. `append` is conditional: it succeeds only when the first entry of
//! the group gets exactly the offset the writer expected, so two writers can never interleave unseen; the loser is told
//! where the log stands and tries again.
//!
//! **Keys.** A key is unique in its room for good, and a redaction does not free it. A group that brings a key which is
//! already there is not kept, and the answer says where the earlier entry stands: that makes a resend harmless. An
//! engine without unique keys keeps this promise by looking the keys up at position `n` and then appending at `n`:
//! nobody can have written them in between.
//!
//! **Durable**, when `append` returns [`Appended::Ok`]:
//!
//! | engine | meaning |
//! |---|---|
//! | embedded (SQLite) | the group is synced to the disk (WAL, `synchronous=FULL`); groups of many rooms share one sync |
//! | PostgreSQL | committed with `synchronous_commit=on` |
//! | Cassandra, ScyllaDB | agreed on, and kept by a quorum of the replicas; three are expected |
//!
//! **Visible.** A reader sees a group only when it is durable, and sees all of it.
//!
//! **Atomic.** A group is kept whole or not at all, its keys and redactions with it.
//!
//! **Lost.** Nothing that was acknowledged. [`RoomLogError::Engine`] means *unknown*: the group may have been kept, or
//! may still be; the writer looks its keys up before it tries again, and brings the same keys again.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Timestamp;

use crate::about::About;

mod rules;

pub use rules::{check_group, check_lookup, check_read, check_room};

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
    /// The writer's own keys for it, each unique in the room. They make a resend recognisable and the entry findable.
    pub keys: Vec<String>,
    /// When it was accepted.
    pub at: Timestamp,
    /// What readers get: one JSON value.
    pub data: Bytes,
    /// An earlier entry whose bytes this one replaces.
    pub redacts: Option<Redaction>,
    /// What else readers are told of it; a redaction of the entry leaves this as it is.
    pub about: Option<Arc<About>>,
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
    /// What else readers are told of it.
    pub about: Option<Arc<About>>,
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
    /// Nothing was kept: an entry of the room has one of the keys already.
    Known {
        /// One such key.
        key: String,
        /// Where the entry that has it stands.
        offset: u64,
    },
}

/// Why the log could not answer.
#[derive(Debug, thiserror::Error)]
pub enum RoomLogError {
    /// The request breaks a rule of the log; nothing was kept. The text names the rule.
    #[error("room log: {0}")]
    Refused(String),
    /// The engine failed or is full; after an append: unknown.
    #[error("room log: {0}")]
    Engine(String),
}

/// A room's name, in bytes.
pub const ROOM_BYTES_MAX: usize = 255;
/// Entries in one group at the most.
pub const GROUP_ENTRIES_MAX: usize = 1_000;
/// Data, replacements and what is told about them of one group, in bytes.
pub const GROUP_BYTES_MAX: usize = 1 << 20;
/// Data or replacement of one entry, in bytes.
pub const ENTRY_BYTES_MAX: usize = 16 << 10;
/// Keys of one entry at the most.
pub const ENTRY_KEYS_MAX: usize = 4;
/// A key, in bytes.
pub const KEY_BYTES_MAX: usize = 200;
/// Keys in one lookup at the most.
pub const LOOKUP_KEYS_MAX: usize = 1_000;
/// Records in one read at the most.
pub const READ_MAX: usize = 1_000;

/// The messages of all rooms. A room is named by a short text, e.g. `chat:17`.
///
/// What breaks a limit above is [`RoomLogError::Refused`], never cut.
#[async_trait]
pub trait RoomLog: Send + Sync + 'static {
    /// Where the room's log stands; the first call for a room begins its log, durably.
    async fn head(&self, room: &str) -> Result<Head, RoomLogError>;
    /// Appends a group if the log of this epoch stands exactly at `expected_next` and has none of its keys.
    async fn append(
        &self,
        room: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError>;
    /// The records from `from` on, in order of offset: `limit` of them, or those there are.
    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError>;
    /// The offset of the earliest record it still has; where the log stands when it has none. 1 in a log that keeps all.
    async fn first(&self, room: &str) -> Result<u64, RoomLogError> {
        check_room(room).map(|()| 1)
    }
    /// Drops all records of the room; its offsets go on. A log that keeps all refuses.
    async fn forget(&self, room: &str) -> Result<(), RoomLogError> {
        check_room(room)?;
        Err(RoomLogError::Refused("this log keeps all its records".into()))
    }
    /// Where the entries with these keys stand: one answer per key, in the order asked.
    async fn offsets_of(&self, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError>;
}
