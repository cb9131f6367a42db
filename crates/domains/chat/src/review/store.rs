//! Held messages in SQL.

use kernel::{AccountId, BroadcastId, MessageId, Timestamp, limits};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::model::{HeldRow, State};

/// The table of held messages.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_76,
    name: "chat held messages",
    sql: "CREATE TABLE chat_held_messages (
            id BIGINT PRIMARY KEY,
            host BIGINT NOT NULL,
            broadcast BIGINT NOT NULL,
            account BIGINT NOT NULL,
            text TEXT NOT NULL,
            client_id TEXT,
            reply_to BIGINT,
            word TEXT NOT NULL,
            state TEXT NOT NULL,
            decided_by BIGINT,
            at_ms BIGINT NOT NULL,
            expires_at_ms BIGINT NOT NULL,
            UNIQUE (broadcast, account, client_id)
          );
          CREATE INDEX chat_held_messages_waiting ON chat_held_messages (host, state, id);
          CREATE INDEX chat_held_messages_expires ON chat_held_messages (expires_at_ms);",
};

macro_rules! columns {
    () => {
        "id, host, broadcast, account, text, client_id, reply_to, word, at_ms"
    };
}

/// Lets a message wait; `false` when its client id is known or as many as fit wait already.
pub(super) async fn insert(database: &Database, row: &HeldRow) -> Result<bool, SqlError> {
    let mut tx = database.write().await?;
    let inserted = sqlx::query(concat!(
        "INSERT INTO chat_held_messages (",
        columns!(),
        ", state, expires_at_ms) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10 \
         WHERE (SELECT COUNT(*) FROM chat_held_messages WHERE host = $2 AND state = 'waiting' AND expires_at_ms > $9) < $11 \
           AND (SELECT COUNT(*) FROM chat_held_messages \
                WHERE host = $2 AND state = 'waiting' AND account = $4 AND expires_at_ms > $9) < $12 \
         ON CONFLICT (broadcast, account, client_id) DO NOTHING"
    ))
    .bind(row.id.raw())
    .bind(row.host.raw())
    .bind(row.broadcast.raw())
    .bind(row.account.raw())
    .bind(&row.text)
    .bind(row.client_id.as_deref())
    .bind(row.reply_to.map(MessageId::raw))
    .bind(&row.word)
    .bind(row.at.as_millis())
    .bind(row.expires_at().as_millis())
    .bind(limits::HELD_MESSAGES as i64)
    .bind(limits::HELD_MESSAGES_PER_ACCOUNT as i64)
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(inserted.rows_affected() > 0)
}

/// The message with this client id, and how far it has come.
pub(super) async fn by_client_id(
    database: &Database,
    broadcast: BroadcastId,
    account: AccountId,
    client_id: &str,
) -> Result<Option<(HeldRow, State)>, SqlError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        ", state FROM chat_held_messages WHERE broadcast = $1 AND account = $2 AND client_id = $3"
    ))
    .bind(broadcast.raw())
    .bind(account.raw())
    .bind(client_id)
    .fetch_optional(database.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state: String = row.try_get(9)?;
    let state = State::of(&state).ok_or_else(|| SqlError::Decode(format!("{state:?} is no state").into()))?;
    Ok(Some((held(&row)?, state)))
}

/// What waits in a channel behind the id `after`, oldest first.
pub(super) async fn waiting(
    database: &Database,
    host: AccountId,
    now: Timestamp,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<HeldRow>, SqlError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM chat_held_messages WHERE host = $1 AND state = 'waiting' AND expires_at_ms > $2 AND id > $3 \
         ORDER BY id LIMIT $4"
    ))
    .bind(host.raw())
    .bind(now.as_millis())
    .bind(after.map_or(0, MessageId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(held).collect()
}

/// What waits of one account in one room, oldest first.
pub(super) async fn waiting_of(
    database: &Database,
    broadcast: BroadcastId,
    host: AccountId,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<HeldRow>, SqlError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM chat_held_messages WHERE host = $1 AND state = 'waiting' AND account = $2 AND broadcast = $3 \
           AND expires_at_ms > $4 ORDER BY id"
    ))
    .bind(host.raw())
    .bind(account.raw())
    .bind(broadcast.raw())
    .bind(now.as_millis())
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(held).collect()
}

/// The message, if it is one of the channel's.
pub(super) async fn by_id(database: &Database, host: AccountId, id: MessageId) -> Result<Option<HeldRow>, SqlError> {
    let row = sqlx::query(concat!("SELECT ", columns!(), " FROM chat_held_messages WHERE host = $1 AND id = $2"))
        .bind(host.raw())
        .bind(id.raw())
        .fetch_optional(database.reader())
        .await?;
    row.as_ref().map(held).transpose()
}

/// Decides on a message that waits; `false` when it does not any more.
pub(super) async fn decide(
    tx: &mut WriteTx,
    id: MessageId,
    state: State,
    by: AccountId,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let decided = sqlx::query(
        "UPDATE chat_held_messages SET state = $2, decided_by = $3 \
         WHERE id = $1 AND state = 'waiting' AND expires_at_ms > $4",
    )
    .bind(id.raw())
    .bind(state.word())
    .bind(by.raw())
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(decided.rows_affected() > 0)
}

/// Keeps that an approved message is published.
pub(super) async fn published(database: &Database, id: MessageId) -> Result<(), SqlError> {
    let mut tx = database.write().await?;
    sqlx::query("UPDATE chat_held_messages SET state = 'approved' WHERE id = $1 AND state = 'approving'")
        .bind(id.raw())
        .execute(tx.conn())
        .await?;
    tx.commit().await
}

/// Approved messages behind the id `after` that may not be published yet, a page of them.
pub(super) async fn unpublished(
    database: &Database,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<HeldRow>, SqlError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM chat_held_messages WHERE state = 'approving' AND id > $1 ORDER BY id LIMIT $2"
    ))
    .bind(after.map_or(0, MessageId::raw))
    .bind(i64::from(limit))
    .fetch_all(database.reader())
    .await?;
    rows.iter().map(held).collect()
}

/// Forgets messages whose time is over.
pub(super) async fn drop_expired(database: &Database, now: Timestamp) -> Result<u64, SqlError> {
    let mut tx = database.write().await?;
    let dropped = sqlx::query("DELETE FROM chat_held_messages WHERE expires_at_ms <= $1 AND state <> 'approving'")
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.commit().await.map(|()| dropped)
}

/// Reads the columns.
fn held(row: &AnyRow) -> Result<HeldRow, SqlError> {
    Ok(HeldRow {
        id: MessageId::from_raw(row.try_get(0)?),
        host: AccountId::from_raw(row.try_get(1)?),
        broadcast: BroadcastId::from_raw(row.try_get(2)?),
        account: AccountId::from_raw(row.try_get(3)?),
        text: row.try_get(4)?,
        client_id: row.try_get(5)?,
        reply_to: row.try_get::<Option<i64>, _>(6)?.map(MessageId::from_raw),
        word: row.try_get(7)?,
        at: Timestamp::from_millis(row.try_get(8)?),
    })
}
