//! Moderators in SQL.

use kernel::{AccountId, Timestamp, limits};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _};

/// The table of moderators.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_71,
    name: "chat moderators",
    sql: "CREATE TABLE chat_moderators (
            host BIGINT NOT NULL,
            account BIGINT NOT NULL,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            PRIMARY KEY (host, account)
          );",
};

/// How an appointment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appointed {
    Now,
    Before,
    Full,
}

/// Appoints.
pub(super) async fn insert(
    tx: &mut WriteTx,
    host: AccountId,
    account: AccountId,
    by: AccountId,
    at: Timestamp,
) -> Result<Appointed, SqlError> {
    let inserted = sqlx::query(
        "INSERT INTO chat_moderators (host, account, by_account, at_ms) SELECT $1, $2, $3, $4 \
         WHERE (SELECT COUNT(*) FROM chat_moderators WHERE host = $1) < $5 \
         ON CONFLICT (host, account) DO NOTHING",
    )
    .bind(host.raw())
    .bind(account.raw())
    .bind(by.raw())
    .bind(at.as_millis())
    .bind(limits::MODERATORS as i64)
    .execute(tx.conn())
    .await?;
    if inserted.rows_affected() > 0 {
        return Ok(Appointed::Now);
    }
    let there = sqlx::query("SELECT at_ms FROM chat_moderators WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(account.raw())
        .fetch_optional(tx.conn())
        .await?;
    Ok(if there.is_some() { Appointed::Before } else { Appointed::Full })
}

/// Dismisses; `false` when it was none.
pub(super) async fn delete(tx: &mut WriteTx, host: AccountId, account: AccountId) -> Result<bool, SqlError> {
    let deleted = sqlx::query("DELETE FROM chat_moderators WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(account.raw())
        .execute(tx.conn())
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// All moderators of a channel, by account.
pub(crate) async fn all(database: &Database, host: AccountId) -> Result<Vec<(AccountId, Timestamp)>, SqlError> {
    let rows = sqlx::query("SELECT account, at_ms FROM chat_moderators WHERE host = $1 ORDER BY account")
        .bind(host.raw())
        .fetch_all(database.reader())
        .await?;
    rows.iter().map(|row| Ok((AccountId::from_raw(row.try_get(0)?), Timestamp::from_millis(row.try_get(1)?)))).collect()
}
