//! Where a room's log stands, and its beginning.

use ports::room_log::{Head, RoomLogError};
use ports::sql::{AnyConnection, Database, Row, SqlError};
use ports::sqlx;

use super::failed;

const EPOCH_BYTES: usize = 8;

/// The head of `room`; begins its log when there is none.
pub(super) async fn head(database: &Database, room: &str) -> Result<Head, RoomLogError> {
    let mut connection = database.reader().acquire().await.map_err(failed)?;
    let found = find(&mut connection, room).await.map_err(failed)?;
    drop(connection);
    match found {
        Some(head) => Ok(head),
        None => begin(database, room, &new_epoch()?).await.map_err(failed),
    }
}

async fn begin(database: &Database, room: &str, epoch: &str) -> Result<Head, SqlError> {
    let mut tx = database.write().await?;
    // Of two that begin the same room, the first one's epoch stays.
    sqlx::query("INSERT INTO rooms (name, epoch, next) VALUES ($1, $2, 1) ON CONFLICT (name) DO NOTHING")
        .bind(room)
        .bind(epoch)
        .execute(tx.conn())
        .await?;
    let head = find(tx.conn(), room).await?.ok_or(SqlError::RowNotFound)?;
    tx.commit().await?;
    Ok(head)
}

async fn find(connection: &mut AnyConnection, room: &str) -> Result<Option<Head>, SqlError> {
    let row =
        sqlx::query("SELECT epoch, next FROM rooms WHERE name = $1").bind(room).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Head { epoch: row.try_get(0)?, next: row.try_get::<i64, _>(1)?.unsigned_abs() }))
}

fn new_epoch() -> Result<String, RoomLogError> {
    let mut random = [0; EPOCH_BYTES];
    getrandom::fill(&mut random).map_err(|error| RoomLogError::Engine(format!("no randomness: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
