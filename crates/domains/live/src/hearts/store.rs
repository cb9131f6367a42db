//! Hearts' tables.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::{AccountId, BroadcastId, PlaybackId, Timestamp};
use ports::sql::{Database, Migration, Row, SqlError, WriteTx};
use ports::sqlx;

use super::{
    numbers::Numbers,
    sums::{Counted, Sums},
};
use crate::{group_store, reports};

/// The tables of hearts.
pub const MIGRATIONS: &[Migration] = &[TABLES, BEFORE, HOLES];

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

const HOLES: Migration = Migration {
    version: 2026_11_28_62,
    name: "which batches of a session are kept",
    // `before_seq` stays for processes of older versions, and is read by nobody else.
    sql: "ALTER TABLE heart_sessions ADD COLUMN holes TEXT NOT NULL DEFAULT '';",
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
    let mut total = add_to_total(tx, broadcast, 0).await?;
    // Nobody else keeps hearts of this broadcast now, until the transaction ends.
    let mut kept = kept_numbers(tx, batches).await?;
    let (mut sums, mut sessions) = (Sums::default(), BTreeMap::new());
    for batch in batches {
        let mut numbers = || kept.remove(&batch.playback).unwrap_or_else(Numbers::none);
        let (numbers, _) = sessions.entry(batch.playback).or_insert_with(|| (numbers(), batch.expires_at));
        if numbers.take(batch.seq) {
            sums.add(batch);
        }
    }
    if sums.hearts > 0 {
        total = add_to_total(tx, broadcast, sums.hearts).await?;
        write_sessions(tx, sessions).await?;
    }
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
    Ok(Kept { added: sums.hearts, total })
}

async fn add_to_total(tx: &mut WriteTx, broadcast: BroadcastId, hearts: u64) -> Result<u64, SqlError> {
    let total: i64 = sqlx::query_scalar(
        "INSERT INTO heart_totals (broadcast, hearts) VALUES ($1, $2) \
         ON CONFLICT (broadcast) DO UPDATE SET hearts = heart_totals.hearts + excluded.hearts RETURNING hearts",
    )
    .bind(broadcast.raw())
    .bind(hearts as i64)
    .fetch_one(tx.conn())
    .await?;
    Ok(total.unsigned_abs())
}

/// Which numbers are kept of the sessions of these batches; sessions that nothing is kept of are left out.
async fn kept_numbers(tx: &mut WriteTx, batches: &[Counted]) -> Result<HashMap<PlaybackId, Numbers>, SqlError> {
    let playbacks: HashSet<PlaybackId> = batches.iter().map(|batch| batch.playback).collect();
    let playbacks: Vec<PlaybackId> = playbacks.into_iter().collect();
    let mut found = HashMap::new();
    for some in playbacks.chunks(group_store::ROWS_PER_STATEMENT) {
        let select = "SELECT playback, last_seq, holes FROM heart_sessions WHERE playback IN";
        let mut query = sqlx::query(sqlx::AssertSqlSafe(group_store::ids_statement(select, some.len())));
        for playback in some {
            query = query.bind(playback.raw());
        }
        for row in query.fetch_all(tx.conn()).await? {
            let numbers = Numbers::read(row.try_get(1)?, row.try_get(2)?);
            found.insert(PlaybackId::from_raw(row.try_get(0)?), numbers);
        }
    }
    Ok(found)
}

async fn write_sessions(
    tx: &mut WriteTx,
    sessions: BTreeMap<PlaybackId, (Numbers, Timestamp)>,
) -> Result<(), SqlError> {
    let sessions: Vec<_> = sessions.into_iter().collect();
    for some in sessions.chunks(group_store::ROWS_PER_STATEMENT) {
        let upsert = group_store::rows_statement(
            "INSERT INTO heart_sessions (playback, last_seq, holes, expires_at_ms)",
            some.len(),
            4,
            "ON CONFLICT (playback) DO UPDATE SET last_seq = excluded.last_seq, holes = excluded.holes",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(upsert));
        for (playback, (numbers, expires_at)) in some {
            query = query.bind(playback.raw()).bind(numbers.last()).bind(numbers.holes());
            query = query.bind(expires_at.as_millis());
        }
        query.execute(tx.conn()).await?;
    }
    Ok(())
}

/// Notes that broadcasts are over; they are in order.
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
