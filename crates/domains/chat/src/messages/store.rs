//! Slow mode in SQL, for the processes of a site that has several: when each account wrote last in each room.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, Migration, SqlError};
use ports::sqlx;

/// The table of those who wrote while slow mode was on.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_27_71,
    name: "chat slow mode",
    sql: "CREATE TABLE chat_slow_mode (
            broadcast BIGINT NOT NULL,
            account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            before_ms BIGINT NOT NULL,
            PRIMARY KEY (broadcast, account)
          );
          CREATE INDEX chat_slow_mode_at ON chat_slow_mode (at_ms);",
};

/// Who writes in which room.
pub(super) type Key = (BroadcastId, AccountId);

/// Counts a message of now, unless the account wrote less than `every_ms` ago: then says when. What stands there from a later
/// time, because a clock was set back, counts as written now.
pub(super) async fn write(
    database: &Database,
    key: Key,
    every_ms: i64,
    now: Timestamp,
) -> Result<Result<(), Timestamp>, SqlError> {
    let mut tx = database.write().await?;
    let written = sqlx::query(
        "INSERT INTO chat_slow_mode (broadcast, account, at_ms, before_ms) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (broadcast, account) DO UPDATE SET before_ms = chat_slow_mode.at_ms, at_ms = excluded.at_ms \
         WHERE chat_slow_mode.at_ms <= excluded.at_ms - $4",
    )
    .bind(key.0.raw())
    .bind(key.1.raw())
    .bind(now.as_millis())
    .bind(every_ms)
    .execute(tx.conn())
    .await?;
    if written.rows_affected() > 0 {
        return tx.commit().await.map(Ok);
    }
    let at_ms: i64 = sqlx::query_scalar(
        "UPDATE chat_slow_mode SET at_ms = CASE WHEN at_ms > $3 THEN $3 ELSE at_ms END \
         WHERE broadcast = $1 AND account = $2 RETURNING at_ms",
    )
    .bind(key.0.raw())
    .bind(key.1.raw())
    .bind(now.as_millis())
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(Err(Timestamp::from_millis(at_ms)))
}

/// Takes the message that was counted at `at` back, unless another one was counted since.
pub(super) async fn take_back(database: &Database, key: Key, at: Timestamp) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    sqlx::query("UPDATE chat_slow_mode SET at_ms = before_ms WHERE broadcast = $1 AND account = $2 AND at_ms = $3")
        .bind(key.0.raw())
        .bind(key.1.raw())
        .bind(at.as_millis())
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

/// Forgets those who wrote last before `before`.
pub(super) async fn drop_old(database: &Database, before: Timestamp) -> Result<u64, SqlError> {
    let mut tx = database.write().await?;
    let dropped = sqlx::query("DELETE FROM chat_slow_mode WHERE at_ms < $1")
        .bind(before.as_millis())
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.commit().await.map(|()| dropped)
}
