//! The room log on Cassandra, or on ScyllaDB, which speaks the same protocol.
//!
//! A row per group of messages, in `room_groups`; a partition for every 8,192 offsets of a room, a *bucket*. A group stands in
//! the bucket of its first offset. Static columns of the bucket say where the log stands, so the conditional append is one
//! lightweight transaction on one partition: it moves `next` on and keeps the entries, their keys and what they redact in one
//! row, `IF` epoch and next are as the writer expects. A bucket is over when `next` has passed its end; from then on nothing
//! of it changes, and whoever comes first begins the next one at that place. `rooms` says a room's epoch, and a bucket from
//! which to look for the newest.
//!
//! **Keys** are found through `room_keys`, **redactions** through `room_redactions`. Both stand in other partitions, so they
//! are written *before* the group, as hints: this group, if it comes about, has this key, replaces this entry. A hint is
//! believed only when the group it names is there and says the same, so that neither a crash nor a lost race leaves
//! anything behind but a hint that nobody believes. A hint for every attempt has a row of its own: none replaces another's.
//! A writer looks its keys up when it knows that the log has come as far as it expects. Whoever was kept before that had
//! written his hints before that; whoever is kept later moves the log away, and the append fails.
//!
//! Promise: that of [`ports::room_log`]. Writes and reads are made with `QUORUM`, conditions and the look at where a log stands
//! with `SERIAL`: with three replicas each, one may be away. What many ask at the same time, the same page or head, is read once.
//!
//! Limits: 4,096 groups and 64 MiB wait to be appended, and 16,384 readers each for heads and for pages; beyond, and when
//! Cassandra does not answer in time, it is an engine error.
//!
//! May lose: nothing that was acknowledged, as long as two of three replicas keep what they had said.

mod address;
mod append;
mod budget;
mod connect;
mod head;
mod keys;
mod owner;
mod read;
mod redactions;
mod shared_reads;
mod statements;

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use ports::room_log::{
    Appended, Entry, Head, Record, RoomLog, RoomLogError, check_group, check_lookup, check_read, check_room,
};
use scylla::client::session::Session;

pub use address::{CassandraAddress, WrongAddress};
pub use owner::ClaimError;

use self::{append::Append, budget::Budget, head::Standing, shared_reads::SharedReads, statements::Statements};

/// Offsets in one partition. A group must not reach over a whole one.
const BUCKET_OFFSETS: u64 = 8_192;

/// Of which room, from where, how many.
type Page = (String, u64, usize);

/// The room log of a keyspace.
#[derive(Debug)]
pub struct CassandraRoomLog {
    store: Arc<Store>,
    keyspace: String,
    standing: Standing,
    budget: Budget,
    heads: SharedReads<String, Head>,
    pages: SharedReads<Page, Vec<Record>>,
}

/// A session and what is asked in it.
struct Store {
    session: Session,
    statements: Statements,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl CassandraRoomLog {
    /// Connects, and makes the keyspace and its tables where they are missing. Must be called inside a tokio runtime.
    pub async fn connect(address: &CassandraAddress) -> Result<Self, RoomLogError> {
        let store = Arc::new(connect::connect(address).await?);
        Ok(Self {
            store,
            keyspace: address.keyspace.clone(),
            standing: Standing::default(),
            budget: Budget::default(),
            heads: SharedReads::default(),
            pages: SharedReads::default(),
        })
    }

    /// Whether a quorum answers.
    pub async fn check(&self) -> Result<(), RoomLogError> {
        head::room_row(&self.store, "-").await.map(drop)
    }
}

#[async_trait]
impl RoomLog for CassandraRoomLog {
    async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        check_room(room)?;
        let (store, asked) = (self.store.clone(), room.to_owned());
        let read = move || {
            let (store, room) = (store.clone(), asked.clone());
            async move { head::head(&store, &room).await }
        };
        let head = Arc::unwrap_or_clone(self.heads.read(room.to_owned(), read).await?);
        self.standing.has_reached(room, head.next);
        Ok(head)
    }

    async fn append(
        &self,
        room: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError> {
        check_group(room, expected_next, &group)?;
        let append = Append::new(room, epoch, expected_next, group);
        let _held = self.budget.hold(room, append.weight()).await?;
        append.run(&self.store, &self.standing).await
    }

    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        check_read(room, limit)?;
        let (store, from, owned) = (self.store.clone(), from.max(1), room.to_owned());
        let read = move || {
            let (store, room) = (store.clone(), owned.clone());
            async move { read::records(&store, &room, from, limit).await }
        };
        let page = self.pages.read((room.to_owned(), from, limit), read).await?;
        Ok(Arc::unwrap_or_clone(page))
    }

    async fn offsets_of(&self, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        check_lookup(room, keys)?;
        let found: HashMap<String, u64> = keys::find(&self.store, room, keys, u64::MAX).await?;
        Ok(keys.iter().map(|key| found.get(key).copied()).collect())
    }
}

fn failed(error: impl fmt::Display) -> RoomLogError {
    RoomLogError::Engine(format!("Cassandra: {error}"))
}

/// The bucket of a group that begins at `offset`.
fn bucket_of(offset: u64) -> u64 {
    offset.saturating_sub(1) / BUCKET_OFFSETS
}

/// The first offset behind a bucket.
fn end_of(bucket: u64) -> u64 {
    bucket.saturating_add(1).saturating_mul(BUCKET_OFFSETS).saturating_add(1)
}

/// A number as the column keeps it; the rules have checked that those to write fit.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
