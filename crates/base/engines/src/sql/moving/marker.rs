//! What a target says of itself: nothing, half of a site, or a whole one. It stands in a table of the engine's own.

use kernel::Timestamp;
use ports::sql::{Database, Dialect, SqlError};
use ports::sqlx::{self, PgConnection, Row};

use super::{MoveError, target::Target};

const IS_THERE: &str = "SELECT to_regclass('_madang_move') IS NOT NULL";

/// Whether a PostgreSQL database holds half a site: nobody may use it as one.
pub async fn unfinished(database: &Database) -> Result<bool, SqlError> {
    if database.dialect() == Dialect::Sqlite {
        return Ok(false);
    }
    let mut connection = database.reader().acquire().await?;
    if !sqlx::query_scalar::<_, bool>(IS_THERE).fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM _madang_move WHERE finished_ms IS NULL)");
    query.fetch_one(&mut *connection).await
}

/// Marks the target as half of `site`; answers whether it was that before. One that holds anything else is refused.
pub(super) async fn begin(target: &mut Target, site: &str, now: Timestamp) -> Result<bool, MoveError> {
    match read(&mut target.connection).await? {
        Some((kept, None)) if kept == site => return Ok(true),
        Some((kept, Some(_))) if kept == site => return Err(MoveError::Finished),
        Some((_, None)) => return Err(MoveError::OtherSite),
        Some((_, Some(_))) | None => {}
    }
    if let Some(table) = target.occupied().await? {
        return Err(MoveError::NotEmpty(table));
    }
    write(&mut target.connection, site, now).await?;
    Ok(false)
}

/// The site is whole. This word waits for the disk, and with it all that was written before.
pub(super) async fn finish(target: &mut Target, now: Timestamp) -> Result<(), MoveError> {
    sqlx::raw_sql("SET synchronous_commit TO on").execute(&mut target.connection).await?;
    sqlx::query("UPDATE _madang_move SET finished_ms = $1")
        .bind(now.as_millis())
        .execute(&mut target.connection)
        .await?;
    Ok(())
}

async fn read(connection: &mut PgConnection) -> Result<Option<(String, Option<i64>)>, SqlError> {
    if !sqlx::query_scalar::<_, bool>(IS_THERE).fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    let row = sqlx::query("SELECT site, finished_ms FROM _madang_move").fetch_optional(connection).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

async fn write(connection: &mut PgConnection, site: &str, now: Timestamp) -> Result<(), SqlError> {
    let table = "CREATE TABLE IF NOT EXISTS _madang_move (site TEXT NOT NULL, begun_ms BIGINT NOT NULL, finished_ms BIGINT); \
                 DELETE FROM _madang_move";
    sqlx::raw_sql(table).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO _madang_move (site, begun_ms) VALUES ($1, $2)")
        .bind(site)
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}
