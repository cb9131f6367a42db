//! Pages of broadcasts, newest first.

use kernel::{AccountId, BroadcastId, events::live::BroadcastState};
use ports::{
    sql::{Database, Row, SqlError},
    sqlx::{self, AssertSqlSafe},
};

use super::row::{broadcast, select};
use crate::broadcasts::model::Broadcast;

/// Which broadcasts a page is cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::broadcasts) struct Shelf {
    /// Only those in this state; `Live` includes paused.
    pub(in crate::broadcasts) state: Option<BroadcastState>,
    /// Only those of this host.
    pub(in crate::broadcasts) host: Option<AccountId>,
    /// Who asks: sees their own that are not public.
    pub(in crate::broadcasts) asked_by: Option<AccountId>,
}

/// Up to `limit` broadcasts of the shelf that are older than `before`.
pub(in crate::broadcasts) async fn list(
    database: &Database,
    shelf: Shelf,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<Broadcast>, SqlError> {
    // Only words of this file are put together; everything from outside is bound.
    let of_state = match shelf.state {
        // Not by the index of recordings: walking the newest finds a page sooner than sorting every replay.
        None => "(state IN ('live', 'paused') OR COALESCE(recording, '') = 'kept' OR host = $2)",
        Some(BroadcastState::Live) => "state IN ('live', 'paused')",
        Some(BroadcastState::Paused) => "state = 'paused'",
        Some(BroadcastState::Ended) => "state = 'ended' AND (recording = 'kept' OR host = $2)",
        Some(BroadcastState::Created) => "state = 'created' AND host = $2",
        Some(BroadcastState::Ready) => "state = 'ready' AND host = $2",
    };
    let of_host = if shelf.host.is_some() { "host = $3" } else { "$3 = -1" };
    let statement =
        format!("{} id < $1 AND {of_host} AND $2 <> 0 AND {of_state} ORDER BY id DESC LIMIT $4", select!("WHERE"));
    // No account has the id -1.
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(before.map_or(i64::MAX, BroadcastId::raw))
        .bind(shelf.asked_by.map_or(-1, AccountId::raw))
        .bind(shelf.host.map_or(-1, AccountId::raw))
        .bind(i64::from(limit))
        .fetch_all(database.reader())
        .await?;
    rows.iter().map(broadcast).collect()
}

/// The broadcasts of a host that have not ended, the newest `limit` of them.
pub(in crate::broadcasts) async fn open_of(
    database: &Database,
    host: AccountId,
    limit: u32,
) -> Result<Vec<BroadcastId>, SqlError> {
    let rows = sqlx::query(
        "SELECT id FROM broadcasts WHERE host = $1 AND state IN ('created', 'ready', 'live', 'paused') \
         ORDER BY id DESC LIMIT $2",
    )
    .bind(host.raw())
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(|row| row.try_get(0).map(BroadcastId::from_raw)).collect()
}
