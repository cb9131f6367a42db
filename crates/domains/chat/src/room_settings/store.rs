//! Room settings in SQL.

use kernel::{AccountId, Timestamp};
use ports::sql::{Database, Migration, SqlError, WriteTx};
use ports::sqlx::{self, Row as _};

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
    let Some(row) = row else { return Ok(RoomSettings::default()) };
    let number = |value: i64| u32::try_from(value).map_err(|error| SqlError::Decode(error.into()));
    Ok(RoomSettings {
        slow_mode_s: number(row.try_get(0)?)?,
        members_only: row.try_get::<i64, _>(1)? != 0,
        member_after_minutes: row.try_get::<Option<i64>, _>(2)?.map(number).transpose()?,
        emote_only: row.try_get::<i64, _>(3)? != 0,
        read_only: row.try_get::<i64, _>(4)? != 0,
    })
}

/// Keeps the settings of a channel.
pub(super) async fn write(
    tx: &mut WriteTx,
    host: AccountId,
    settings: &RoomSettings,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO chat_room_settings \
           (host, slow_mode_s, members_only, member_after_minutes, emote_only, read_only, at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (host) DO UPDATE SET slow_mode_s = excluded.slow_mode_s, members_only = excluded.members_only, \
           member_after_minutes = excluded.member_after_minutes, emote_only = excluded.emote_only, \
           read_only = excluded.read_only, at_ms = excluded.at_ms",
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
