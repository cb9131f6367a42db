//! Room settings in SQL.

use kernel::{AccountId, Timestamp};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _, any::AnyRow};

use super::RoomSettings;

/// The table of settings.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_26_72,
    name: "chat room settings",
    sql: "CREATE TABLE chat_room_settings (
            host BIGINT PRIMARY KEY,
            slow_mode_s BIGINT NOT NULL,
            members_only BIGINT NOT NULL,
            member_after_minutes BIGINT,
            emote_only BIGINT NOT NULL,
            read_only BIGINT NOT NULL,
            at_ms BIGINT NOT NULL
          );",
};

/// The settings of a channel; a channel that has set none has the default ones.
pub(crate) async fn read(database: &Database, host: AccountId) -> Result<RoomSettings, SqlError> {
    let row = sqlx::query(
        "SELECT slow_mode_s, members_only, member_after_minutes, emote_only, read_only FROM chat_room_settings \
         WHERE host = $1",
    )
    .bind(host.raw())
    .fetch_optional(database.reader())
    .await?;
    row.map_or(Ok(RoomSettings::default()), |row| settings(&row))
}

/// The settings of a channel as they are until this transaction is over: whoever else wants to change them waits.
pub(super) async fn hold(tx: &mut WriteTx, host: AccountId, now: Timestamp) -> Result<RoomSettings, SqlError> {
    // A row that is not there cannot be locked, so it is made.
    let row = sqlx::query(
        "INSERT INTO chat_room_settings \
           (host, slow_mode_s, members_only, member_after_minutes, emote_only, read_only, at_ms) \
         VALUES ($1, 0, 0, NULL, 0, 0, $2) \
         ON CONFLICT (host) DO UPDATE SET at_ms = chat_room_settings.at_ms \
         RETURNING slow_mode_s, members_only, member_after_minutes, emote_only, read_only",
    )
    .bind(host.raw())
    .bind(now.as_millis())
    .fetch_one(tx.conn())
    .await?;
    settings(&row)
}

/// Reads the columns.
fn settings(row: &AnyRow) -> Result<RoomSettings, SqlError> {
    let number = |value: i64| u32::try_from(value).map_err(|error| SqlError::Decode(error.into()));
    Ok(RoomSettings {
        slow_mode_s: number(row.try_get(0)?)?,
        members_only: row.try_get::<i64, _>(1)? != 0,
        member_after_minutes: row.try_get::<Option<i64>, _>(2)?.map(number).transpose()?,
        emote_only: row.try_get::<i64, _>(3)? != 0,
        read_only: row.try_get::<i64, _>(4)? != 0,
    })
}

/// Keeps the settings of a channel that this transaction holds.
pub(super) async fn write(
    tx: &mut WriteTx,
    host: AccountId,
    settings: &RoomSettings,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query(
        "UPDATE chat_room_settings SET slow_mode_s = $2, members_only = $3, member_after_minutes = $4, emote_only = $5, \
           read_only = $6, at_ms = $7 WHERE host = $1",
    )
    .bind(host.raw())
    .bind(i64::from(settings.slow_mode_s))
    .bind(i64::from(settings.members_only))
    .bind(settings.member_after_minutes.map(i64::from))
    .bind(i64::from(settings.emote_only))
    .bind(i64::from(settings.read_only))
    .bind(at.as_millis())
    .execute(tx.conn())
    .await?;
    Ok(())
}
