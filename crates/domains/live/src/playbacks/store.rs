//! The site's secret for sessions.

use kernel::{Random, Timestamp};
use ports::sql::{Database, Migration, Row, SqlError};
use ports::sqlx;

use crate::crowd::OpenError;

/// The table of the site's own secrets.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_30,
    name: "site secrets",
    sql: "CREATE TABLE site_secrets (
            name TEXT PRIMARY KEY,
            secret {bytes} NOT NULL,
            created_at_ms BIGINT NOT NULL
          );",
}];

const NAME: &str = "playback_sessions";

/// The secret sessions are signed with; made up and kept by the first process that asks.
pub(super) async fn secret(database: &Database, random: &dyn Random, now: Timestamp) -> Result<[u8; 32], OpenError> {
    let mut made_up = [0; 32];
    random.fill(&mut made_up)?;
    let mut tx = database.write().await?;
    sqlx::query(
        "INSERT INTO site_secrets (name, secret, created_at_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
    )
    .bind(NAME)
    .bind(made_up.to_vec())
    .bind(now.as_millis())
    .execute(tx.conn())
    .await?;
    let row = sqlx::query("SELECT secret FROM site_secrets WHERE name = $1").bind(NAME).fetch_one(tx.conn()).await?;
    tx.commit().await?;
    let kept: Vec<u8> = row.try_get(0)?;
    let length = kept.len();
    let wrong_length = |_| SqlError::Decode(format!("the secret {NAME} has {length} bytes, not 32").into());
    Ok(kept.try_into().map_err(wrong_length)?)
}
