//! The moderation log in SQL.

use kernel::{AccountId, BroadcastId, ModLogId, Timestamp};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::model::{Act, Record};

/// The table of the log.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_70,
    name: "chat moderation log",
    sql: "CREATE TABLE chat_mod_log (
            id BIGINT PRIMARY KEY,
            host BIGINT NOT NULL,
            moderator BIGINT NOT NULL,
            act TEXT NOT NULL,
            account BIGINT,
            broadcast BIGINT,
            message BIGINT,
            detail TEXT,
            reason TEXT,
            at_ms BIGINT NOT NULL
          );
          CREATE INDEX chat_mod_log_of_host ON chat_mod_log (host, id);
          CREATE INDEX chat_mod_log_at ON chat_mod_log (at_ms);",
};

/// A message's deletion has one entry, however many delete it at once.
pub const ONE_DELETION: Migration = Migration {
    version: 2026_11_27_70,
    name: "chat moderation log: one entry for a deletion",
    sql: "DELETE FROM chat_mod_log WHERE act = 'message_deleted' AND id NOT IN (
            SELECT MIN(id) FROM chat_mod_log WHERE act = 'message_deleted' GROUP BY host, message
          );
          CREATE UNIQUE INDEX chat_mod_log_one_deletion ON chat_mod_log (host, message) WHERE act = 'message_deleted';",
};

/// Keeps an entry, as part of the act's transaction.
pub(crate) async fn record(tx: &mut WriteTx, record: &Record) -> Result<(), SqlError> {
    insert(tx, record, "").await
}

/// Keeps the entry of a message's deletion, unless that message has one.
pub(crate) async fn record_deletion(database: &Database, record: &Record) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    let unless_there = "ON CONFLICT (host, message) WHERE act = 'message_deleted' DO NOTHING";
    insert(&mut tx, record, unless_there).await?;
    tx.commit().await
}

async fn insert(tx: &mut WriteTx, record: &Record, condition: &'static str) -> Result<(), SqlError> {
    let statement = format!(
        "INSERT INTO chat_mod_log (id, host, moderator, act, account, broadcast, message, detail, reason, at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) {condition}"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(record.id.raw())
        .bind(record.host.raw())
        .bind(record.moderator.raw())
        .bind(record.act.word())
        .bind(record.account.map(AccountId::raw))
        .bind(record.broadcast.map(BroadcastId::raw))
        .bind(record.message.map(kernel::MessageId::raw))
        .bind(record.detail.as_deref())
        .bind(record.reason.as_deref())
        .bind(record.at.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The entries of a channel before `before`, latest first.
pub(super) async fn page(
    database: &Database,
    host: AccountId,
    before: Option<ModLogId>,
    limit: u32,
) -> Result<Vec<Record>, SqlError> {
    let rows = sqlx::query(
        "SELECT id, host, moderator, act, account, broadcast, detail, reason, at_ms FROM chat_mod_log \
         WHERE host = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(host.raw())
    .bind(before.map_or(i64::MAX, ModLogId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(entry).collect()
}

/// Forgets entries from before `before`.
pub(super) async fn drop_old(database: &Database, before: Timestamp) -> Result<u64, SqlError> {
    let mut tx = database.write().await?;
    let dropped = sqlx::query("DELETE FROM chat_mod_log WHERE at_ms < $1")
        .bind(before.as_millis())
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.commit().await.map(|()| dropped)
}

fn entry(row: &AnyRow) -> Result<Record, SqlError> {
    let act: String = row.try_get(3)?;
    let act = Act::of(&act).ok_or_else(|| SqlError::Decode(format!("{act:?} is no act of moderation").into()))?;
    Ok(Record {
        id: ModLogId::from_raw(row.try_get(0)?),
        host: AccountId::from_raw(row.try_get(1)?),
        moderator: AccountId::from_raw(row.try_get(2)?),
        act,
        account: row.try_get::<Option<i64>, _>(4)?.map(AccountId::from_raw),
        broadcast: row.try_get::<Option<i64>, _>(5)?.map(BroadcastId::from_raw),
        message: None,
        detail: row.try_get(6)?,
        reason: row.try_get(7)?,
        at: Timestamp::from_millis(row.try_get(8)?),
    })
}
