//! Pinned messages in SQL.

use kernel::{AccountId, BroadcastId, MessageId, Timestamp};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _};

/// The table of pinned messages.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_77,
    name: "chat pinned messages",
    sql: "CREATE TABLE chat_pinned_messages (
            broadcast BIGINT PRIMARY KEY,
            message BIGINT NOT NULL,
            message_offset BIGINT NOT NULL,
            by_account BIGINT NOT NULL,
            at_ms BIGINT NOT NULL
          );",
};

/// A pin as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) message: MessageId,
    pub(super) message_offset: u64,
    pub(super) by: AccountId,
    pub(super) at: Timestamp,
}

/// Pins a message in place of the one before.
pub(super) async fn put(tx: &mut WriteTx, broadcast: BroadcastId, pin: &Pin) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO chat_pinned_messages (broadcast, message, message_offset, by_account, at_ms) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (broadcast) DO UPDATE SET message = excluded.message, message_offset = excluded.message_offset, \
           by_account = excluded.by_account, at_ms = excluded.at_ms",
    )
    .bind(broadcast.raw())
    .bind(pin.message.raw())
    .bind(pin.message_offset.cast_signed())
    .bind(pin.by.raw())
    .bind(pin.at.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the pinned message down, and tells which it was.
pub(super) async fn delete(tx: &mut WriteTx, broadcast: BroadcastId) -> Result<Option<MessageId>, SqlError> {
    let row = sqlx::query("DELETE FROM chat_pinned_messages WHERE broadcast = $1 RETURNING message")
        .bind(broadcast.raw())
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| row.try_get(0).map(MessageId::from_raw)).transpose()
}

/// What is pinned in a room.
pub(super) async fn of(database: &Database, broadcast: BroadcastId) -> Result<Option<Pin>, SqlError> {
    let row =
        sqlx::query("SELECT message, message_offset, by_account, at_ms FROM chat_pinned_messages WHERE broadcast = $1")
            .bind(broadcast.raw())
            .fetch_optional(database.reader())
            .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Pin {
        message: MessageId::from_raw(row.try_get(0)?),
        message_offset: row.try_get::<i64, _>(1)?.cast_unsigned(),
        by: AccountId::from_raw(row.try_get(2)?),
        at: Timestamp::from_millis(row.try_get(3)?),
    }))
}
