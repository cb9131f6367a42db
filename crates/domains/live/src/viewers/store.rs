//! Viewers' tables.

use std::collections::{HashMap, HashSet};

use kernel::{AccountId, BroadcastId};
use ports::sql::{Database, Migration, Row, SqlError, WriteTx};
use ports::sqlx;

use super::attendance::Unsaved;
use crate::{group_store, needs::ViewerCounts, playbacks::Viewer, reports};

/// The tables of viewers.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_33,
    name: "viewers",
    sql: "CREATE TABLE viewer_totals (
            broadcast BIGINT PRIMARY KEY,
            unique_viewers BIGINT NOT NULL,
            peak BIGINT NOT NULL,
            watch_time_ms BIGINT NOT NULL,
            over BIGINT NOT NULL DEFAULT 0
          );
          CREATE INDEX viewer_totals_running ON viewer_totals (broadcast) WHERE over = 0;
          CREATE TABLE viewers_seen (
            broadcast BIGINT NOT NULL,
            viewer BIGINT NOT NULL,
            PRIMARY KEY (broadcast, viewer)
          );",
}];

/// Broadcasts that are not known to be over.
pub(super) async fn running(database: &Database) -> Result<Vec<BroadcastId>, SqlError> {
    let rows = sqlx::query("SELECT broadcast FROM viewer_totals WHERE over = 0").fetch_all(database.reader()).await?;
    rows.iter().map(|row| Ok(BroadcastId::from_raw(row.try_get(0)?))).collect()
}

/// The viewers seen in a broadcast, and its peak.
pub(super) async fn load(database: &Database, broadcast: BroadcastId) -> Result<(HashSet<Viewer>, u64), SqlError> {
    let peak: Option<i64> = sqlx::query_scalar("SELECT peak FROM viewer_totals WHERE broadcast = $1")
        .bind(broadcast.raw())
        .fetch_optional(database.reader())
        .await?;
    let viewers: Vec<i64> = sqlx::query_scalar("SELECT viewer FROM viewers_seen WHERE broadcast = $1")
        .bind(broadcast.raw())
        .fetch_all(database.reader())
        .await?;
    Ok((viewers.into_iter().map(Viewer::from_raw).collect(), peak.unwrap_or_default().unsigned_abs()))
}

/// Adds what happened in a broadcast.
pub(super) async fn add(
    tx: &mut WriteTx,
    broadcast: BroadcastId,
    host: AccountId,
    unsaved: &Unsaved,
) -> Result<(), SqlError> {
    let mut seen: Vec<[i64; 2]> = unsaved.viewers.iter().map(|viewer| [broadcast.raw(), viewer.raw()]).collect();
    // In order of their keys, so that two processes that write the same rows cannot wait for each other.
    seen.sort_unstable();
    let head = "INSERT INTO viewers_seen (broadcast, viewer)";
    let new_viewers = group_store::write_rows(tx, head, &seen, "ON CONFLICT (broadcast, viewer) DO NOTHING").await?;
    sqlx::query(
        "INSERT INTO viewer_totals (broadcast, unique_viewers, peak, watch_time_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (broadcast) DO UPDATE SET \
           unique_viewers = viewer_totals.unique_viewers + excluded.unique_viewers, \
           peak = CASE WHEN excluded.peak > viewer_totals.peak THEN excluded.peak ELSE viewer_totals.peak END, \
           watch_time_ms = viewer_totals.watch_time_ms + excluded.watch_time_ms",
    )
    .bind(broadcast.raw())
    .bind(new_viewers as i64)
    .bind(unsaved.peak as i64)
    .bind(unsaved.watch_time_ms as i64)
    .execute(tx.conn())
    .await?;
    reports::add(tx, broadcast, host, &unsaved.moments).await
}

/// Notes that broadcasts are over.
pub(super) async fn close(database: &Database, broadcasts: &[BroadcastId]) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    for broadcast in broadcasts {
        sqlx::query("UPDATE viewer_totals SET over = 1 WHERE broadcast = $1")
            .bind(broadcast.raw())
            .execute(tx.conn())
            .await?;
    }
    tx.commit().await
}

/// What broadcasts came to so far; those nobody watched are left out.
pub(crate) async fn totals(
    database: &Database,
    broadcasts: &[BroadcastId],
) -> Result<HashMap<BroadcastId, ViewerCounts>, SqlError> {
    let mut found = HashMap::new();
    for some in broadcasts.chunks(group_store::ROWS_PER_STATEMENT) {
        let text = group_store::ids_statement(
            "SELECT broadcast, unique_viewers, peak FROM viewer_totals WHERE broadcast IN",
            some.len(),
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for broadcast in some {
            query = query.bind(broadcast.raw());
        }
        for row in query.fetch_all(database.reader()).await? {
            let (unique, peak): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            let counts = ViewerCounts { concurrent: 0, unique: unique.unsigned_abs(), peak: peak.unsigned_abs() };
            found.insert(BroadcastId::from_raw(row.try_get(0)?), counts);
        }
    }
    Ok(found)
}

/// How long a broadcast was watched so far by all players together, in milliseconds.
pub(crate) async fn watch_time(database: &Database, broadcast: BroadcastId) -> Result<u64, SqlError> {
    let kept: Option<i64> = sqlx::query_scalar("SELECT watch_time_ms FROM viewer_totals WHERE broadcast = $1")
        .bind(broadcast.raw())
        .fetch_optional(database.reader())
        .await?;
    Ok(kept.unwrap_or_default().unsigned_abs())
}
