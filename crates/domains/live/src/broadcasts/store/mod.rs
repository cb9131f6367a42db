//! Broadcasts in SQL.

mod list;
mod row;
mod streams;
mod sweep;

use std::num::NonZeroU32;

use kernel::{BroadcastId, ChannelId, Timestamp};
use ports::{
    sql::{Database, Migration, Row, SqlError, WriteTx},
    sqlx,
};

pub(super) use list::{Shelf, list, open_of};
use row::{broadcast, recording_text, select, state_text, stream_text};
pub(crate) use streams::{MIGRATION as STREAMS_MIGRATION, TAKES_MIGRATION};
pub(super) use streams::{
    NewOwner, address_of, adopt, health, lapsed, mark, own, owned, owner_of, release, renew, set_mark, take_of,
};
pub(super) use sweep::{changed_since, due, kept_after};

use super::model::Broadcast;

pub(crate) const MIGRATION: Migration = Migration {
    version: 2026_11_23_21,
    name: "broadcasts",
    sql: "CREATE TABLE broadcasts (
            id BIGINT PRIMARY KEY,
            channel BIGINT NOT NULL REFERENCES channels (id),
            host BIGINT NOT NULL,
            title TEXT NOT NULL,
            state TEXT NOT NULL,
            stream TEXT NOT NULL,
            publish_epoch BIGINT NOT NULL,
            gone_epoch BIGINT NOT NULL,
            auto_start BIGINT NOT NULL,
            scheduled_at_ms BIGINT,
            started_at_ms BIGINT,
            paused_at_ms BIGINT,
            silent_since_ms BIGINT,
            timeline_start_ms BIGINT,
            ended_at_ms BIGINT,
            recording TEXT NOT NULL,
            stream_key_hash TEXT UNIQUE,
            created_at_ms BIGINT NOT NULL,
            updated_at_ms BIGINT NOT NULL,
            version BIGINT NOT NULL,
            CHECK (state NOT IN ('live', 'paused') OR started_at_ms IS NOT NULL),
            CHECK ((state = 'ended') = (ended_at_ms IS NOT NULL))
          );
          CREATE INDEX broadcasts_of_host ON broadcasts (host, id);
          CREATE INDEX broadcasts_of_channel ON broadcasts (channel, created_at_ms);
          CREATE INDEX broadcasts_updated ON broadcasts (updated_at_ms);
          CREATE INDEX broadcasts_state ON broadcasts (state, id);
          CREATE INDEX broadcasts_recording ON broadcasts (recording, id);",
};

pub(super) async fn insert(tx: &mut WriteTx, new: &Broadcast, key_hash: Option<&str>) -> Result<(), SqlError> {
    let insert = "INSERT INTO broadcasts (id, channel, host, title, state, stream, publish_epoch, gone_epoch, auto_start, \
                  scheduled_at_ms, recording, stream_key_hash, created_at_ms, updated_at_ms, version) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    sqlx::query(insert)
        .bind(new.id.raw())
        .bind(new.channel.raw())
        .bind(new.host.raw())
        .bind(&new.title)
        .bind(state_text(new.life.state))
        .bind(stream_text(new.life.stream))
        .bind(new.life.publish_epoch)
        .bind(new.life.gone_epoch)
        .bind(i64::from(new.life.auto_start))
        .bind(new.life.scheduled_at.map(Timestamp::as_millis))
        .bind(recording_text(new.recording))
        .bind(key_hash)
        .bind(new.created_at.as_millis())
        .bind(new.created_at.as_millis())
        .bind(new.version)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Writes `changed` over the version before it. False: somebody else was faster, and nothing was written.
pub(super) async fn update(tx: &mut WriteTx, changed: &Broadcast, now: Timestamp) -> Result<bool, SqlError> {
    let update = "UPDATE broadcasts SET title = $3, state = $4, stream = $5, publish_epoch = $6, gone_epoch = $7, \
                  auto_start = $8, started_at_ms = $9, paused_at_ms = $10, silent_since_ms = $11, \
                  timeline_start_ms = $12, ended_at_ms = $13, recording = $14, updated_at_ms = $15, \
                  version = version + 1 WHERE id = $1 AND version = $2";
    let life = &changed.life;
    let done = sqlx::query(update)
        .bind(changed.id.raw())
        .bind(changed.version - 1)
        .bind(&changed.title)
        .bind(state_text(life.state))
        .bind(stream_text(life.stream))
        .bind(life.publish_epoch)
        .bind(life.gone_epoch)
        .bind(i64::from(life.auto_start))
        .bind(life.started_at.map(Timestamp::as_millis))
        .bind(life.paused_at.map(Timestamp::as_millis))
        .bind(life.silent_since.map(Timestamp::as_millis))
        .bind(life.timeline_start.map(Timestamp::as_millis))
        .bind(life.ended_at.map(Timestamp::as_millis))
        .bind(recording_text(changed.recording))
        .bind(now.as_millis())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the broadcast's own stream key, unless it has ended. False: it has.
pub(super) async fn set_key(tx: &mut WriteTx, broadcast: BroadcastId, hash: &str) -> Result<bool, SqlError> {
    let update = "UPDATE broadcasts SET stream_key_hash = $2 WHERE id = $1 AND state <> 'ended'";
    let done = sqlx::query(update).bind(broadcast.raw()).bind(hash).execute(tx.conn()).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn find(database: &Database, id: BroadcastId) -> Result<Option<Broadcast>, SqlError> {
    let row = sqlx::query(select!("WHERE id = $1")).bind(id.raw()).fetch_optional(database.reader()).await?;
    row.as_ref().map(broadcast).transpose()
}

pub(super) async fn of_key(database: &Database, hash: &str) -> Result<Option<Broadcast>, SqlError> {
    let select = select!("WHERE stream_key_hash = $1");
    let row = sqlx::query(select).bind(hash).fetch_optional(database.reader()).await?;
    row.as_ref().map(broadcast).transpose()
}

/// Where a lasting key publishes: into what is on air, else into the newest that is ready.
pub(super) async fn for_lasting_key(tx: &mut WriteTx, channel: ChannelId) -> Result<Option<BroadcastId>, SqlError> {
    let select = "SELECT id FROM broadcasts WHERE channel = $1 AND state IN ('live', 'paused', 'ready') \
                  ORDER BY CASE WHEN state = 'ready' THEN 1 ELSE 0 END, id DESC LIMIT 1";
    let row = sqlx::query(select).bind(channel.raw()).fetch_optional(tx.conn()).await?;
    row.map(|row| row.try_get(0).map(BroadcastId::from_raw)).transpose()
}

/// The broadcast of the channel that ended last, of those that had a publisher.
pub(super) async fn ended_last(tx: &mut WriteTx, channel: ChannelId) -> Result<Option<Broadcast>, SqlError> {
    let select = select!(
        "WHERE channel = $1 AND state = 'ended' AND publish_epoch > 0 ORDER BY ended_at_ms DESC, id DESC LIMIT 1"
    );
    let row = sqlx::query(select).bind(channel.raw()).fetch_optional(tx.conn()).await?;
    row.as_ref().map(broadcast).transpose()
}

/// How many broadcasts of the channel have not ended.
pub(super) async fn count_open(tx: &mut WriteTx, channel: ChannelId) -> Result<i64, SqlError> {
    let select = "SELECT COUNT(*) FROM broadcasts WHERE channel = $1 AND state <> 'ended'";
    sqlx::query(select).bind(channel.raw()).fetch_one(tx.conn()).await?.try_get(0)
}

/// When the `nth` newest broadcast of the channel was made.
pub(super) async fn nth_newest_at(
    tx: &mut WriteTx,
    channel: ChannelId,
    nth: NonZeroU32,
) -> Result<Option<Timestamp>, SqlError> {
    let select =
        "SELECT created_at_ms FROM broadcasts WHERE channel = $1 ORDER BY created_at_ms DESC LIMIT 1 OFFSET $2";
    let skipped = i64::from(nth.get() - 1);
    let row = sqlx::query(select).bind(channel.raw()).bind(skipped).fetch_optional(tx.conn()).await?;
    row.map(|row| row.try_get(0).map(Timestamp::from_millis)).transpose()
}
