//! Approved members in SQL.

use kernel::{AccountId, Timestamp, limits};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _};

/// The table of approved members.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_73,
    name: "chat members",
    sql: "CREATE TABLE chat_members (
            host BIGINT NOT NULL,
            account BIGINT NOT NULL,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            PRIMARY KEY (host, account)
          );",
};

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approved {
    Now,
    Before,
    Full,
}

/// Approves an account.
pub(super) async fn insert(
    tx: &mut WriteTx,
    host: AccountId,
    account: AccountId,
    by: AccountId,
    at: Timestamp,
) -> Result<Approved, SqlError> {
    let inserted = sqlx::query(
        "INSERT INTO chat_members (host, account, by_account, at_ms) SELECT $1, $2, $3, $4 \
         WHERE (SELECT COUNT(*) FROM chat_members WHERE host = $1) < $5 \
         ON CONFLICT (host, account) DO NOTHING",
    )
    .bind(host.raw())
    .bind(account.raw())
    .bind(by.raw())
    .bind(at.as_millis())
    .bind(limits::MEMBERS as i64)
    .execute(tx.conn())
    .await?;
    if inserted.rows_affected() > 0 {
        return Ok(Approved::Now);
    }
    let there = sqlx::query("SELECT at_ms FROM chat_members WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(account.raw())
        .fetch_optional(tx.conn())
        .await?;
    Ok(if there.is_some() { Approved::Before } else { Approved::Full })
}

/// Takes an approval back; `false` when there was none.
pub(super) async fn delete(tx: &mut WriteTx, host: AccountId, account: AccountId) -> Result<bool, SqlError> {
    let deleted = sqlx::query("DELETE FROM chat_members WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(account.raw())
        .execute(tx.conn())
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Approved members behind the account `after`, by account.
pub(super) async fn page(
    database: &Database,
    host: AccountId,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<(AccountId, Timestamp)>, SqlError> {
    let rows = sqlx::query(
        "SELECT account, at_ms FROM chat_members WHERE host = $1 AND account > $2 ORDER BY account LIMIT $3",
    )
    .bind(host.raw())
    .bind(after.map_or(0, AccountId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(|row| Ok((AccountId::from_raw(row.try_get(0)?), Timestamp::from_millis(row.try_get(1)?)))).collect()
}
