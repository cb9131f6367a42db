//! Viewers' tables.

use std::collections::{HashMap, HashSet};

use kernel::{AccountId, BroadcastId};
use ports::sql::{Database, Migration, Row, SqlError, WriteTx};
use ports::sqlx::{self, any::AnyRow};

use super::attendance::{LEASE_MS, Unsaved};
use crate::{
    group_store,
    needs::{PlayerHealth, ViewerCounts},
    playbacks::Viewer,
    reports,
};

/// The tables of viewers.
pub const MIGRATIONS: &[Migration] = &[TABLES, PRESENT];

const TABLES: Migration = Migration {
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
};

const PRESENT: Migration = Migration {
    version: 2026_11_27_61,
    name: "the present of a show",
    sql: "ALTER TABLE viewer_totals ADD COLUMN players BIGINT NOT NULL DEFAULT 0;
          ALTER TABLE viewer_totals ADD COLUMN stalls_per_minute BIGINT NOT NULL DEFAULT 0;
          ALTER TABLE viewer_totals ADD COLUMN bitrate_bps BIGINT;
          ALTER TABLE viewer_totals ADD COLUMN behind_live_ms BIGINT;
          ALTER TABLE viewer_totals ADD COLUMN present_at_ms BIGINT NOT NULL DEFAULT 0;",
};

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

/// Adds what happened in a broadcast, and says how it is now, if that is known.
pub(super) async fn add(
    tx: &mut WriteTx,
    broadcast: BroadcastId,
    host: AccountId,
    unsaved: &Unsaved,
    present: Option<&PlayerHealth>,
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
    if let Some(present) = present {
        set_present(tx, broadcast, present).await?;
    }
    reports::add(tx, broadcast, host, &unsaved.moments).await
}

async fn set_present(tx: &mut WriteTx, broadcast: BroadcastId, present: &PlayerHealth) -> Result<(), SqlError> {
    let update = format!(
        "UPDATE viewer_totals SET players = $2, stalls_per_minute = $3, bitrate_bps = $4, behind_live_ms = $5, \
           present_at_ms = {now_ms} WHERE broadcast = $1",
        now_ms = tx.dialect().now_ms()
    );
    sqlx::query(sqlx::AssertSqlSafe(update))
        .bind(broadcast.raw())
        .bind(present.sessions as i64)
        .bind(present.stalls_per_minute as i64)
        .bind(present.bitrate_bps.map(|bitrate| bitrate as i64))
        .bind(present.behind_live_ms.map(|behind| behind as i64))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that broadcasts are over; they are in order.
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

/// How broadcasts are, as the process that has their crowd wrote: who watches, and how the players are doing. A present that was
/// written as long ago as a lease lasts has no players any more; broadcasts nobody watched are left out.
pub(crate) async fn present(
    database: &Database,
    broadcasts: &[BroadcastId],
) -> Result<HashMap<BroadcastId, (ViewerCounts, PlayerHealth)>, SqlError> {
    let select = format!(
        "SELECT broadcast, unique_viewers, peak, players, stalls_per_minute, bitrate_bps, behind_live_ms, \
           {now_ms} - present_at_ms FROM viewer_totals WHERE broadcast IN",
        now_ms = database.dialect().now_ms()
    );
    let mut found = HashMap::new();
    for some in broadcasts.chunks(group_store::ROWS_PER_STATEMENT) {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(group_store::ids_statement(&select, some.len())));
        for broadcast in some {
            query = query.bind(broadcast.raw());
        }
        for row in query.fetch_all(database.reader()).await? {
            found.insert(BroadcastId::from_raw(row.try_get(0)?), (counts(&row)?, health(&row)?));
        }
    }
    for (counts, health) in found.values_mut() {
        counts.concurrent = health.sessions;
    }
    Ok(found)
}

fn counts(row: &AnyRow) -> Result<ViewerCounts, SqlError> {
    let (unique, peak): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    Ok(ViewerCounts { concurrent: 0, unique: unique.unsigned_abs(), peak: peak.unsigned_abs() })
}

fn health(row: &AnyRow) -> Result<PlayerHealth, SqlError> {
    let age_ms: i64 = row.try_get(7)?;
    if age_ms >= LEASE_MS {
        return Ok(PlayerHealth::default());
    }
    let (sessions, stalls): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
    Ok(PlayerHealth {
        sessions: sessions.unsigned_abs(),
        stalls_per_minute: stalls as f64,
        bitrate_bps: row.try_get::<Option<i64>, _>(5)?.map(i64::unsigned_abs),
        behind_live_ms: row.try_get::<Option<i64>, _>(6)?.map(i64::unsigned_abs),
    })
}

/// What broadcasts came to so far; those nobody watched are left out.
pub(crate) async fn totals(
    database: &Database,
    broadcasts: &[BroadcastId],
) -> Result<HashMap<BroadcastId, ViewerCounts>, SqlError> {
    let found = present(database, broadcasts).await?.into_iter();
    Ok(found.map(|(broadcast, (counts, _))| (broadcast, ViewerCounts { concurrent: 0, ..counts })).collect())
}

/// How long a broadcast was watched so far by all players together, in milliseconds.
pub(crate) async fn watch_time(database: &Database, broadcast: BroadcastId) -> Result<u64, SqlError> {
    let kept: Option<i64> = sqlx::query_scalar("SELECT watch_time_ms FROM viewer_totals WHERE broadcast = $1")
        .bind(broadcast.raw())
        .fetch_optional(database.reader())
        .await?;
    Ok(kept.unwrap_or_default().unsigned_abs())
}
