//! Hearts' tables.

use std::collections::{BTreeMap, HashMap};

use kernel::{AccountId, BroadcastId, PlaybackId, Timestamp};
use ports::sql::{Database, Migration, Row, SqlError, WriteTx};
use ports::sqlx;

use super::sums::{Counted, Sums};
use crate::{group_store, reports};

/// The tables of hearts.
pub const MIGRATIONS: &[Migration] = &[TABLES, BEFORE];

const TABLES: Migration = Migration {
    version: 2026_11_23_34,
    name: "hearts",
    sql: "CREATE TABLE heart_totals (
            broadcast BIGINT PRIMARY KEY,
            hearts BIGINT NOT NULL,
            over BIGINT NOT NULL DEFAULT 0
          );
          CREATE INDEX heart_totals_running ON heart_totals (broadcast) WHERE over = 0;
          CREATE TABLE heart_fans (
            broadcast BIGINT NOT NULL,
            viewer BIGINT NOT NULL,
            hearts BIGINT NOT NULL,
            PRIMARY KEY (broadcast, viewer)
          );
          CREATE INDEX heart_fans_ranked ON heart_fans (broadcast, hearts DESC, viewer);
          CREATE TABLE heart_timeline (
            broadcast BIGINT NOT NULL,
            position_ms BIGINT NOT NULL,
            hearts BIGINT NOT NULL,
            PRIMARY KEY (broadcast, position_ms)
          );
          CREATE TABLE heart_sessions (
            playback BIGINT PRIMARY KEY,
            last_seq BIGINT NOT NULL,
            expires_at_ms BIGINT NOT NULL
          );
          CREATE INDEX heart_sessions_expired ON heart_sessions (expires_at_ms);",
};

const BEFORE: Migration = Migration {
    version: 2026_11_27_62,
    name: "where a session of hearts was before",
    sql: "ALTER TABLE heart_sessions ADD COLUMN before_seq BIGINT NOT NULL DEFAULT -1;",
};

/// Steps of a timeline that are told at the most: 27 hours and 46 minutes of five-second steps.
pub(super) const TIMELINE_STEPS_MAX: i64 = 20_000;

/// Broadcasts that are not known to be over, with their hearts.
pub(super) async fn running(database: &Database) -> Result<Vec<(BroadcastId, u64)>, SqlError> {
    let rows =
        sqlx::query("SELECT broadcast, hearts FROM heart_totals WHERE over = 0").fetch_all(database.reader()).await?;
    rows.iter()
        .map(|row| Ok((BroadcastId::from_raw(row.try_get(0)?), row.try_get::<i64, _>(1)?.unsigned_abs())))
        .collect()
}

/// The last kept batch of a session.
pub(super) async fn last_seq(database: &Database, playback: PlaybackId) -> Result<Option<i64>, SqlError> {
    sqlx::query_scalar("SELECT last_seq FROM heart_sessions WHERE playback = $1")
        .bind(playback.raw())
        .fetch_optional(database.reader())
        .await
}

/// What became of a group of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Hearts of it that were not kept already.
    pub(super) added: u64,
    /// Hearts of the broadcast now.
    pub(super) total: u64,
}

/// Adds those batches of a broadcast that are not kept already.
pub(super) async fn add(
    tx: &mut WriteTx,
    broadcast: BroadcastId,
    host: AccountId,
    batches: &[Counted],
) -> Result<Kept, SqlError> {
    let before = move_on(tx, batches).await?;
    let mut sums = Sums::default();
    for batch in batches {
        if before.get(&batch.playback).is_some_and(|before| *before < batch.seq) {
            sums.add(batch);
        }
    }
    let total: i64 = sqlx::query_scalar(
        "INSERT INTO heart_totals (broadcast, hearts) VALUES ($1, $2) \
         ON CONFLICT (broadcast) DO UPDATE SET hearts = heart_totals.hearts + excluded.hearts RETURNING hearts",
    )
    .bind(broadcast.raw())
    .bind(sums.hearts as i64)
    .fetch_one(tx.conn())
    .await?;
    let mut fans: Vec<[i64; 3]> = sums.fans.iter().map(|(fan, n)| [broadcast.raw(), fan.raw(), *n as i64]).collect();
    let mut steps: Vec<[i64; 3]> = sums.timeline.iter().map(|(at, n)| [broadcast.raw(), *at, *n as i64]).collect();
    // In order of their keys, so that two processes that write the same rows cannot wait for each other.
    fans.sort_unstable();
    steps.sort_unstable();
    group_store::write_rows(
        tx,
        "INSERT INTO heart_fans (broadcast, viewer, hearts)",
        &fans,
        "ON CONFLICT (broadcast, viewer) DO UPDATE SET hearts = heart_fans.hearts + excluded.hearts",
    )
    .await?;
    group_store::write_rows(
        tx,
        "INSERT INTO heart_timeline (broadcast, position_ms, hearts)",
        &steps,
        "ON CONFLICT (broadcast, position_ms) DO UPDATE SET hearts = heart_timeline.hearts + excluded.hearts",
    )
    .await?;
    reports::add(tx, broadcast, host, &sums.moments).await?;
    Ok(Kept { added: sums.hearts, total: total.unsigned_abs() })
}

/// Moves the sessions of these batches on to their last ones, and answers where each was before. Nobody else moves them until the
/// transaction ends, and no session is moved back.
async fn move_on(tx: &mut WriteTx, batches: &[Counted]) -> Result<HashMap<PlaybackId, i64>, SqlError> {
    // In the order of their numbers: two processes that move the same sessions cannot wait for each other.
    let mut last = BTreeMap::new();
    for batch in batches {
        let to = last.entry(batch.playback).or_insert((batch.seq, batch.expires_at));
        to.0 = batch.seq.max(to.0);
    }
    let last: Vec<(PlaybackId, (i64, Timestamp))> = last.into_iter().collect();
    let mut before = HashMap::with_capacity(last.len());
    for some in last.chunks(group_store::ROWS_PER_STATEMENT) {
        let upsert = group_store::rows_statement(
            "INSERT INTO heart_sessions (playback, last_seq, expires_at_ms)",
            some.len(),
            3,
            "ON CONFLICT (playback) DO UPDATE SET before_seq = heart_sessions.last_seq, \
               last_seq = CASE WHEN excluded.last_seq > heart_sessions.last_seq \
                 THEN excluded.last_seq ELSE heart_sessions.last_seq END \
             RETURNING playback, before_seq",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(upsert));
        for (playback, (seq, expires_at)) in some {
            query = query.bind(playback.raw()).bind(*seq).bind(expires_at.as_millis());
        }
        for row in query.fetch_all(tx.conn()).await? {
            before.insert(PlaybackId::from_raw(row.try_get(0)?), row.try_get(1)?);
        }
    }
    Ok(before)
}

/// Notes that broadcasts are over.
pub(super) async fn close(database: &Database, broadcasts: &[BroadcastId]) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    for broadcast in broadcasts {
        sqlx::query("UPDATE heart_totals SET over = 1 WHERE broadcast = $1")
            .bind(broadcast.raw())
            .execute(tx.conn())
            .await?;
    }
    tx.commit().await
}

/// Drops what is kept about sessions that have expired: they can send nothing any more.
pub(super) async fn drop_expired_sessions(database: &Database, now: Timestamp) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    sqlx::query("DELETE FROM heart_sessions WHERE expires_at_ms <= $1")
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

/// The hearts of broadcasts; those without any are left out.
pub(crate) async fn totals(
    database: &Database,
    broadcasts: &[BroadcastId],
) -> Result<HashMap<BroadcastId, u64>, SqlError> {
    let mut found = HashMap::new();
    for some in broadcasts.chunks(group_store::ROWS_PER_STATEMENT) {
        let text =
            group_store::ids_statement("SELECT broadcast, hearts FROM heart_totals WHERE broadcast IN", some.len());
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for broadcast in some {
            query = query.bind(broadcast.raw());
        }
        for row in query.fetch_all(database.reader()).await? {
            found.insert(BroadcastId::from_raw(row.try_get(0)?), row.try_get::<i64, _>(1)?.unsigned_abs());
        }
    }
    Ok(found)
}

/// The accounts with the most hearts, most first.
pub(crate) async fn fans(
    database: &Database,
    broadcast: BroadcastId,
    limit: u32,
) -> Result<Vec<(AccountId, u64)>, SqlError> {
    let rows =
        sqlx::query("SELECT viewer, hearts FROM heart_fans WHERE broadcast = $1 ORDER BY hearts DESC, viewer LIMIT $2")
            .bind(broadcast.raw())
            .bind(i64::from(limit))
            .fetch_all(database.reader())
            .await?;
    rows.iter()
        .map(|row| Ok((AccountId::from_raw(row.try_get(0)?), row.try_get::<i64, _>(1)?.unsigned_abs())))
        .collect()
}

/// The steps of a broadcast's timeline that have hearts, in order.
pub(super) async fn timeline(database: &Database, broadcast: BroadcastId) -> Result<Vec<(i64, u64)>, SqlError> {
    let rows = sqlx::query(
        "SELECT position_ms, hearts FROM heart_timeline WHERE broadcast = $1 ORDER BY position_ms LIMIT $2",
    )
    .bind(broadcast.raw())
    .bind(TIMELINE_STEPS_MAX)
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs()))).collect()
}
