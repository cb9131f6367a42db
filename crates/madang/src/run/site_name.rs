//! What a site is called by engines that could be another's: a word of its own, made once and kept in its records. It goes
//! with them to another database.

use kernel::Random;
use ports::{
    sql::{Database, Migration},
    sqlx,
};

use super::AnyError;

/// The table: one row.
pub(crate) const MIGRATION: Migration = Migration {
    version: 2026_11_28_60,
    name: "the name of the site",
    sql: "CREATE TABLE site_names (id BIGINT PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL);",
};

/// The name; made when there is none. Of several processes that make one, one has its way.
pub(crate) async fn of(records: &Database, random: &dyn Random) -> Result<String, AnyError> {
    let read = "SELECT name FROM site_names WHERE id = 1";
    if let Some(name) = sqlx::query_scalar(read).fetch_optional(records.reader()).await? {
        return Ok(name);
    }
    let mut bytes = [0; 8];
    random.fill(&mut bytes)?;
    let mut tx = records.write().await?;
    sqlx::query("INSERT INTO site_names (id, name) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
        .bind(format!("site_{:016x}", u64::from_le_bytes(bytes)))
        .execute(tx.conn())
        .await?;
    let name = sqlx::query_scalar(read).fetch_one(tx.conn()).await?;
    tx.commit().await?;
    Ok(name)
}
