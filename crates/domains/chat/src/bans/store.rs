//! Bans in SQL.

use kernel::{AccountId, AddressBanId, Timestamp, limits};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::AddressRange;
use super::model::{AddressRow, BanRow};

/// The tables of bans.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_74,
    name: "chat bans",
    sql: "CREATE TABLE chat_bans (
            host BIGINT NOT NULL,
            account BIGINT NOT NULL,
            reason TEXT,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            PRIMARY KEY (host, account)
          );
          CREATE TABLE chat_address_bans (
            id BIGINT PRIMARY KEY,
            host BIGINT NOT NULL,
            address_range TEXT NOT NULL,
            account BIGINT,
            reason TEXT,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL,
            until_ms BIGINT NOT NULL
          );
          CREATE INDEX chat_address_bans_of_host ON chat_address_bans (host, id);
          CREATE INDEX chat_address_bans_until ON chat_address_bans (until_ms);",
};

/// How a ban ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    Now,
    Before,
    Full,
}

/// Bans an account.
pub(super) async fn insert(
    tx: &mut WriteTx,
    host: AccountId,
    row: &BanRow,
    by: AccountId,
) -> Result<Inserted, SqlError> {
    let inserted = sqlx::query(
        "INSERT INTO chat_bans (host, account, reason, by_account, at_ms) SELECT $1, $2, $3, $4, $5 \
         WHERE (SELECT COUNT(*) FROM chat_bans WHERE host = $1) < $6 \
         ON CONFLICT (host, account) DO NOTHING",
    )
    .bind(host.raw())
    .bind(row.account.raw())
    .bind(row.reason.as_deref())
    .bind(by.raw())
    .bind(row.at.as_millis())
    .bind(limits::BANS as i64)
    .execute(tx.conn())
    .await?;
    if inserted.rows_affected() > 0 {
        return Ok(Inserted::Now);
    }
    let there = sqlx::query("SELECT at_ms FROM chat_bans WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(row.account.raw())
        .fetch_optional(tx.conn())
        .await?;
    Ok(if there.is_some() { Inserted::Before } else { Inserted::Full })
}

/// Lifts a ban; `false` when there was none.
pub(super) async fn delete(tx: &mut WriteTx, host: AccountId, account: AccountId) -> Result<bool, SqlError> {
    let deleted = sqlx::query("DELETE FROM chat_bans WHERE host = $1 AND account = $2")
        .bind(host.raw())
        .bind(account.raw())
        .execute(tx.conn())
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Banned accounts behind the account `after`, by account.
pub(super) async fn page(
    database: &Database,
    host: AccountId,
    after: Option<AccountId>,
    limit: u32,
) -> Result<Vec<BanRow>, SqlError> {
    let rows = sqlx::query(
        "SELECT account, reason, at_ms FROM chat_bans WHERE host = $1 AND account > $2 ORDER BY account LIMIT $3",
    )
    .bind(host.raw())
    .bind(after.map_or(0, AccountId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    let ban = |row: &AnyRow| {
        Ok(BanRow {
            account: AccountId::from_raw(row.try_get(0)?),
            reason: row.try_get(1)?,
            at: Timestamp::from_millis(row.try_get(2)?),
        })
    };
    rows.iter().map(ban).collect()
}

/// Bans a range; `false` when as many as fit are there.
pub(super) async fn insert_range(
    tx: &mut WriteTx,
    host: AccountId,
    row: &AddressRow,
    by: AccountId,
) -> Result<bool, SqlError> {
    let inserted = sqlx::query(
        "INSERT INTO chat_address_bans (id, host, address_range, account, reason, by_account, at_ms, until_ms) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
         WHERE (SELECT COUNT(*) FROM chat_address_bans WHERE host = $2 AND until_ms > $7) < $9",
    )
    .bind(row.id.raw())
    .bind(host.raw())
    .bind(row.range.to_string())
    .bind(row.account.map(AccountId::raw))
    .bind(row.reason.as_deref())
    .bind(by.raw())
    .bind(row.at.as_millis())
    .bind(row.until.as_millis())
    .bind(limits::ADDRESS_BANS as i64)
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Lifts the ban of a range and tells what it was.
pub(super) async fn delete_range(
    tx: &mut WriteTx,
    host: AccountId,
    id: AddressBanId,
) -> Result<Option<AddressRow>, SqlError> {
    let row = sqlx::query(
        "DELETE FROM chat_address_bans WHERE host = $1 AND id = $2 \
         RETURNING id, address_range, account, reason, at_ms, until_ms",
    )
    .bind(host.raw())
    .bind(id.raw())
    .fetch_optional(tx.conn())
    .await?;
    row.as_ref().map(address).transpose()
}

/// The bans of ranges that last beyond `now`, behind the id `after`.
pub(super) async fn range_page(
    database: &Database,
    host: AccountId,
    now: Timestamp,
    after: Option<AddressBanId>,
    limit: u32,
) -> Result<Vec<AddressRow>, SqlError> {
    let rows = sqlx::query(
        "SELECT id, address_range, account, reason, at_ms, until_ms FROM chat_address_bans \
         WHERE host = $1 AND until_ms > $2 AND id > $3 ORDER BY id LIMIT $4",
    )
    .bind(host.raw())
    .bind(now.as_millis())
    .bind(after.map_or(0, AddressBanId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(address).collect()
}

/// The ranges that are banned beyond `now`, and until when.
pub(crate) async fn ranges(
    database: &Database,
    host: AccountId,
    now: Timestamp,
) -> Result<Vec<(AddressRange, Timestamp)>, SqlError> {
    let rows = range_page(database, host, now, None, limits::ADDRESS_BANS as u32).await?;
    Ok(rows.into_iter().map(|row| (row.range, row.until)).collect())
}

/// Forgets bans that ended before `now`.
pub(super) async fn drop_expired(database: &Database, now: Timestamp) -> Result<u64, SqlError> {
    let mut tx = database.write().await?;
    let dropped = sqlx::query("DELETE FROM chat_address_bans WHERE until_ms <= $1")
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.commit().await.map(|()| dropped)
}

fn address(row: &AnyRow) -> Result<AddressRow, SqlError> {
    let range: String = row.try_get(1)?;
    Ok(AddressRow {
        id: AddressBanId::from_raw(row.try_get(0)?),
        range: range.parse().map_err(|error: super::range::InvalidRange| SqlError::Decode(error.into()))?,
        account: row.try_get::<Option<i64>, _>(2)?.map(AccountId::from_raw),
        reason: row.try_get(3)?,
        at: Timestamp::from_millis(row.try_get(4)?),
        until: Timestamp::from_millis(row.try_get(5)?),
    })
}
