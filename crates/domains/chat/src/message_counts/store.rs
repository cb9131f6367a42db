//! Counts in SQL.

use std::collections::HashMap;

use kernel::{AccountId, BroadcastId};
use ports::sql::{Database, Migration, SqlError};
use ports::sqlx::{self, Row as _};

/// The tables of counts and of how far they have come.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_78,
    name: "chat message counts",
    sql: "CREATE TABLE chat_message_counts (
            broadcast BIGINT NOT NULL,
            account BIGINT NOT NULL,
            messages BIGINT NOT NULL,
            PRIMARY KEY (broadcast, account)
          );
          CREATE TABLE chat_counted (
            broadcast BIGINT PRIMARY KEY,
            through_offset BIGINT NOT NULL
          );",
};

/// Up to which offset a room is counted.
pub(super) async fn through(database: &Database, broadcast: BroadcastId) -> Result<u64, SqlError> {
    let row = sqlx::query("SELECT through_offset FROM chat_counted WHERE broadcast = $1")
        .bind(broadcast.raw())
        .fetch_optional(database.reader())
        .await?;
    row.map_or(Ok(0), |row| row.try_get::<i64, _>(0).map(i64::cast_unsigned))
}

/// Adds to the counts what stands from `before` on to `through`; `false` when somebody else has.
pub(super) async fn add(
    database: &Database,
    broadcast: BroadcastId,
    before: u64,
    through: u64,
    counts: &HashMap<AccountId, i64>,
) -> Result<bool, SqlError> {
    let mut tx = database.write().await?;
    let moved = sqlx::query(
        "INSERT INTO chat_counted (broadcast, through_offset) VALUES ($1, $3) \
         ON CONFLICT (broadcast) DO UPDATE SET through_offset = excluded.through_offset \
         WHERE chat_counted.through_offset = $2",
    )
    .bind(broadcast.raw())
    .bind(before.cast_signed())
    .bind(through.cast_signed())
    .execute(tx.conn())
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    for (account, messages) in counts {
        sqlx::query(
            "INSERT INTO chat_message_counts (broadcast, account, messages) VALUES ($1, $2, $3) \
             ON CONFLICT (broadcast, account) DO UPDATE SET messages = chat_message_counts.messages + excluded.messages",
        )
        .bind(broadcast.raw())
        .bind(account.raw())
        .bind(*messages)
        .execute(tx.conn())
        .await?;
    }
    tx.commit().await.map(|()| true)
}

/// How many messages from how many accounts.
pub(super) async fn total(database: &Database, broadcast: BroadcastId) -> Result<(u64, u64), SqlError> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT), COUNT(*) FROM chat_message_counts WHERE broadcast = $1",
    )
    .bind(broadcast.raw())
    .fetch_one(database.reader())
    .await?;
    Ok((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get::<i64, _>(1)?.unsigned_abs()))
}

/// The accounts with the most messages.
pub(super) async fn top(
    database: &Database,
    broadcast: BroadcastId,
    limit: u32,
) -> Result<Vec<(AccountId, u64)>, SqlError> {
    let rows = sqlx::query(
        "SELECT account, messages FROM chat_message_counts WHERE broadcast = $1 \
         ORDER BY messages DESC, account LIMIT $2",
    )
    .bind(broadcast.raw())
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter()
        .map(|row| Ok((AccountId::from_raw(row.try_get(0)?), row.try_get::<i64, _>(1)?.unsigned_abs())))
        .collect()
}
