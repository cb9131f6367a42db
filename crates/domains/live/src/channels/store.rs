//! Channels in SQL.

use kernel::{AccountId, BroadcastId, ChannelId, Timestamp};
use ports::{
    sql::{Database, Migration, Row, SqlError, WriteTx},
    sqlx::{self, any::AnyRow},
};

use super::{Channel, Refused};

pub(crate) const MIGRATION: Migration = Migration {
    version: 2026_11_23_20,
    name: "channels",
    sql: "CREATE TABLE channels (
            id BIGINT PRIMARY KEY,
            account BIGINT NOT NULL UNIQUE,
            default_title TEXT NOT NULL,
            stream_key_hash TEXT UNIQUE,
            created_at_ms BIGINT NOT NULL,
            version BIGINT NOT NULL DEFAULT 1
          );",
};

/// What a channel refused last.
pub(crate) const REFUSALS: Migration = Migration {
    version: 2026_11_27_20,
    name: "channels: encoders that are refused",
    sql: "ALTER TABLE channels ADD COLUMN refused_ended BIGINT;
          ALTER TABLE channels ADD COLUMN refused_at_ms BIGINT;
          ALTER TABLE channels ADD COLUMN refused_until_ms BIGINT;",
};

/// Makes the channel unless its account has one.
pub(super) async fn insert(tx: &mut WriteTx, channel: &Channel, now: Timestamp) -> Result<(), SqlError> {
    let insert = "INSERT INTO channels (id, account, default_title, created_at_ms) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (account) DO NOTHING";
    sqlx::query(insert)
        .bind(channel.id.raw())
        .bind(channel.account.raw())
        .bind(&channel.default_title)
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn of_account(database: &Database, account: AccountId) -> Result<Option<Channel>, SqlError> {
    let select = "SELECT id, account, default_title, stream_key_hash FROM channels WHERE account = $1";
    let row = sqlx::query(select).bind(account.raw()).fetch_optional(database.reader()).await?;
    row.as_ref().map(channel).transpose()
}

pub(super) async fn of_key(database: &Database, hash: &str) -> Result<Option<Channel>, SqlError> {
    let select = "SELECT id, account, default_title, stream_key_hash FROM channels WHERE stream_key_hash = $1";
    let row = sqlx::query(select).bind(hash).fetch_optional(database.reader()).await?;
    row.as_ref().map(channel).transpose()
}

pub(super) async fn set_default_title(tx: &mut WriteTx, channel: ChannelId, title: &str) -> Result<(), SqlError> {
    let update = "UPDATE channels SET default_title = $2, version = version + 1 WHERE id = $1";
    sqlx::query(update).bind(channel.raw()).bind(title).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn set_key(tx: &mut WriteTx, channel: ChannelId, hash: &str) -> Result<(), SqlError> {
    let update = "UPDATE channels SET stream_key_hash = $2, version = version + 1 WHERE id = $1";
    sqlx::query(update).bind(channel.raw()).bind(hash).execute(tx.conn()).await?;
    Ok(())
}

/// Makes others that lock the same channel wait until this transaction is over.
pub(crate) async fn lock(tx: &mut WriteTx, channel: ChannelId) -> Result<(), SqlError> {
    let update = "UPDATE channels SET version = version + 1 WHERE id = $1";
    sqlx::query(update).bind(channel.raw()).execute(tx.conn()).await?;
    Ok(())
}

/// What the channel, which this transaction has locked, refused last.
pub(crate) async fn refused_last(tx: &mut WriteTx, channel: ChannelId) -> Result<Option<Refused>, SqlError> {
    let select = "SELECT refused_ended, refused_at_ms, refused_until_ms FROM channels \
                  WHERE id = $1 AND refused_ended IS NOT NULL";
    let row = sqlx::query(select).bind(channel.raw()).fetch_optional(tx.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Refused {
        ended: BroadcastId::from_raw(row.try_get(0)?),
        at: Timestamp::from_millis(row.try_get(1)?),
        until: Timestamp::from_millis(row.try_get(2)?),
    }))
}

/// Keeps what the channel refuses.
pub(crate) async fn keep_refusal(tx: &mut WriteTx, channel: ChannelId, refused: Refused) -> Result<(), SqlError> {
    let update = "UPDATE channels SET refused_ended = $2, refused_at_ms = $3, refused_until_ms = $4 WHERE id = $1";
    sqlx::query(update)
        .bind(channel.raw())
        .bind(refused.ended.raw())
        .bind(refused.at.as_millis())
        .bind(refused.until.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn channel(row: &AnyRow) -> Result<Channel, SqlError> {
    Ok(Channel {
        id: ChannelId::from_raw(row.try_get(0)?),
        account: AccountId::from_raw(row.try_get(1)?),
        default_title: row.try_get(2)?,
        has_stream_key: row.try_get::<Option<String>, _>(3)?.is_some(),
    })
}
