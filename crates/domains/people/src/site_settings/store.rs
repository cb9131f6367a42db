//! Site settings in SQL: what is set, the number of changes, and the log of them.

use kernel::{AccountId, Timestamp};
use ports::{
    sql::{AnyConnection, AnyPool, Migration, Row, SqlError},
    sqlx::{self, any::AnyRow},
};

use super::model::{Administrator, Changed, SettingValue, SiteSettingChange};

/// The tables. `site_settings_version` has one row once there was a change; whoever changes something holds it until the end
/// of the transaction, so that changes are numbered in the order in which they are kept.
pub const MIGRATION: Migration = Migration {
    version: 2026_11_28_10,
    name: "site settings",
    sql: "CREATE TABLE site_settings_version (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        version BIGINT NOT NULL
    );
    CREATE TABLE site_settings (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        version BIGINT NOT NULL,
        changed_by BIGINT NOT NULL REFERENCES accounts (id),
        changed_at_ms BIGINT NOT NULL
    );
    CREATE TABLE site_setting_changes (
        version BIGINT PRIMARY KEY,
        name TEXT NOT NULL,
        old_value TEXT,
        new_value TEXT,
        changed_by BIGINT NOT NULL REFERENCES accounts (id),
        changed_at_ms BIGINT NOT NULL
    );",
};

/// What is set, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: String,
    /// JSON.
    pub(super) value: String,
    pub(super) changed: Changed,
}

/// How many changes there have been.
pub(super) async fn version(pool: &AnyPool) -> Result<i64, SqlError> {
    let version = sqlx::query_scalar("SELECT version FROM site_settings_version WHERE id = 1");
    Ok(version.fetch_optional(pool).await?.unwrap_or_default())
}

/// Everything that is set.
pub(super) async fn all(pool: &AnyPool) -> Result<Vec<Kept>, SqlError> {
    let rows = sqlx::query(
        "SELECT name, value, version, accounts.id, handle, display_name, changed_at_ms \
         FROM site_settings JOIN accounts ON accounts.id = changed_by ORDER BY name",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(kept).collect()
}

/// The number of a new change. Nobody else makes one until the transaction ends.
pub(super) async fn next_version(conn: &mut AnyConnection) -> Result<i64, SqlError> {
    sqlx::query_scalar(
        "INSERT INTO site_settings_version (id, version) VALUES (1, 1) \
         ON CONFLICT (id) DO UPDATE SET version = site_settings_version.version + 1 RETURNING version",
    )
    .fetch_one(conn)
    .await
}

/// What is set for one setting.
pub(super) async fn find(conn: &mut AnyConnection, name: &str) -> Result<Option<Kept>, SqlError> {
    let row = sqlx::query(
        "SELECT name, value, version, accounts.id, handle, display_name, changed_at_ms \
         FROM site_settings JOIN accounts ON accounts.id = changed_by WHERE name = $1",
    )
    .bind(name)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(kept).transpose()
}

/// Sets a value.
pub(super) async fn put(conn: &mut AnyConnection, name: &str, value: &str, changed: &Changed) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO site_settings (name, value, version, changed_by, changed_at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = excluded.version, \
           changed_by = excluded.changed_by, changed_at_ms = excluded.changed_at_ms",
    )
    .bind(name)
    .bind(value)
    .bind(changed.version)
    .bind(changed.by.id.raw())
    .bind(changed.at.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes what is set.
pub(super) async fn remove(conn: &mut AnyConnection, name: &str) -> Result<(), SqlError> {
    sqlx::query("DELETE FROM site_settings WHERE name = $1").bind(name).execute(conn).await?;
    Ok(())
}

/// Writes a change into the log.
pub(super) async fn record(
    conn: &mut AnyConnection,
    name: &str,
    (from, to): (Option<&str>, Option<&str>),
    changed: &Changed,
) -> Result<(), SqlError> {
    sqlx::query(
        "INSERT INTO site_setting_changes (version, name, old_value, new_value, changed_by, changed_at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(changed.version)
    .bind(name)
    .bind(from)
    .bind(to)
    .bind(changed.by.id.raw())
    .bind(changed.at.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}

/// The changes before the number `before`, newest first.
pub(super) async fn changes(
    pool: &AnyPool,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<SiteSettingChange>, SqlError> {
    let rows = sqlx::query(
        "SELECT name, old_value, new_value, version, accounts.id, handle, display_name, changed_at_ms \
         FROM site_setting_changes JOIN accounts ON accounts.id = changed_by \
         WHERE version < $1 ORDER BY version DESC LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let read = |row: &AnyRow| {
        let Changed { version, by, at } = changed(row, 3)?;
        let (from, to) = (value(row.try_get(1)?)?, value(row.try_get(2)?)?);
        Ok(SiteSettingChange { version, name: row.try_get(0)?, from, to, by, at })
    };
    rows.iter().map(read).collect()
}

/// Reads `name, value` and what [`changed`] reads.
fn kept(row: &AnyRow) -> Result<Kept, SqlError> {
    Ok(Kept { name: row.try_get(0)?, value: row.try_get(1)?, changed: changed(row, 2)? })
}

/// Reads `version, accounts.id, handle, display_name, changed_at_ms` from the column `first` on.
fn changed(row: &AnyRow, first: usize) -> Result<Changed, SqlError> {
    let by = Administrator {
        id: AccountId::from_raw(row.try_get(first + 1)?),
        handle: row.try_get(first + 2)?,
        display_name: row.try_get(first + 3)?,
    };
    Ok(Changed { version: row.try_get(first)?, by, at: Timestamp::from_millis(row.try_get(first + 4)?) })
}

fn value(json: Option<String>) -> Result<Option<SettingValue>, SqlError> {
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| SqlError::Decode(error.into()))
}
