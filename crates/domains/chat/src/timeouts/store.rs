//! Timeouts in SQL.

use kernel::{AccountId, BroadcastId, Timestamp};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::model::Row;

/// The table of timeouts.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_23_40,
    name: "chat timeouts",
    sql: "CREATE TABLE chat_timeouts (
            broadcast BIGINT NOT NULL,
            account BIGINT NOT NULL,
            until_ms BIGINT NOT NULL,
            reason TEXT,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            PRIMARY KEY (broadcast, account)
          );
          CREATE INDEX chat_timeouts_until ON chat_timeouts (until_ms);",
};

/// Sets or replaces a timeout; one that was set later than this one stays.
pub(super) async fn set(tx: &mut WriteTx, broadcast: BroadcastId, row: &Row, by: AccountId) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO chat_timeouts (broadcast, account, until_ms, reason, by_account, at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (broadcast, account) DO UPDATE SET until_ms = excluded.until_ms, reason = excluded.reason, \
           by_account = excluded.by_account, at_ms = excluded.at_ms \
         WHERE chat_timeouts.at_ms <= excluded.at_ms",
    )
    .bind(broadcast.raw())
    .bind(row.account.raw())
    .bind(row.until.as_millis())
    .bind(row.reason.as_deref())
    .bind(by.raw())
    .bind(row.at.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a timeout; `false` when there was none.
pub(super) async fn lift(tx: &mut WriteTx, broadcast: BroadcastId, account: AccountId) -> Result<bool, SqlError> {
    let lifted = sqlx::query("DELETE FROM chat_timeouts WHERE broadcast = $1 AND account = $2")
        .bind(broadcast.raw())
        .bind(account.raw())
        .execute(tx.conn())
        .await?;
    Ok(lifted.rows_affected() > 0)
}

/// The timeouts of a room that last beyond `now`, by account, behind the account `after`.
pub(super) async fn page(
    database: &Database,
    broadcast: BroadcastId,
    now: Timestamp,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Row>, SqlError> {
    let rows = sqlx::query(
        "SELECT account, until_ms, reason, at_ms FROM chat_timeouts \
         WHERE broadcast = $1 AND until_ms > $2 AND account > $3 ORDER BY account LIMIT $4",
    )
    .bind(broadcast.raw())
    .bind(now.as_millis())
    .bind(after.map_or(0, AccountId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(timeout).collect()
}

/// Forgets timeouts that ended before `now`.
pub(super) async fn drop_expired(database: &Database, now: Timestamp) -> Result<u64, SqlError> {
    let mut tx = database.write().await?;
    let dropped = sqlx::query("DELETE FROM chat_timeouts WHERE until_ms <= $1")
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.commit().await.map(|()| dropped)
}

fn timeout(row: &AnyRow) -> Result<Row, SqlError> {
    Ok(Row {
        account: AccountId::from_raw(row.try_get(0)?),
        until: Timestamp::from_millis(row.try_get(1)?),
        reason: row.try_get(2)?,
        at: Timestamp::from_millis(row.try_get(3)?),
    })
}
