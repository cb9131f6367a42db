//! The outbox read in order: the event log of a site without a broker.

use std::time::Duration;

use async_trait::async_trait;
use ports::event_log::{Cursor, EventLog, EventLogError, Fact};
use ports::sql::{Database, Dialect, Migration, Row, SqlError};
use ports::sqlx;

/// The tables of the outbox; every database has them.
pub const OUTBOX_MIGRATIONS: &[Migration] = &[Migration {
    version: 2026_11_23_01,
    name: "outbox",
    sql: "CREATE TABLE outbox (
            id {identity},
            tx BIGINT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            payload TEXT NOT NULL,
            at_ms BIGINT NOT NULL
          );
          CREATE INDEX outbox_order ON outbox (tx, id);
          CREATE TABLE outbox_cursors (
            reader TEXT PRIMARY KEY,
            tx BIGINT NOT NULL,
            id BIGINT NOT NULL
          );",
}];

/// Reads the outbox of a database.
#[derive(Debug, Clone)]
pub struct Outbox {
    database: Database,
}

impl Outbox {
    /// The outbox of `database`, which has [`OUTBOX_MIGRATIONS`].
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

const READ_SQLITE: &str = "SELECT tx, id, kind, key, payload FROM outbox \
     WHERE tx > $1 OR (tx = $1 AND id > $2) ORDER BY tx, id LIMIT $3";
// A transaction that is still open may yet write facts with its number; nothing from it or behind it is read before.
const READ_POSTGRES: &str = "SELECT tx, id, kind, key, payload FROM outbox \
     WHERE (tx > $1 OR (tx = $1 AND id > $2)) \
       AND tx < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) \
     ORDER BY tx, id LIMIT $3";

#[async_trait]
impl EventLog for Outbox {
    async fn read(&self, after: Cursor, limit: u32) -> Result<Vec<Fact>, EventLogError> {
        let text = match self.database.dialect() {
            Dialect::Sqlite => READ_SQLITE,
            Dialect::Postgres => READ_POSTGRES,
        };
        let rows = sqlx::query(text)
            .bind(after.transaction)
            .bind(after.id)
            .bind(i64::from(limit))
            .fetch_all(self.database.reader())
            .await
            .map_err(failed)?;
        rows.iter().map(fact).collect::<Result<_, _>>().map_err(failed)
    }

    async fn cursor(&self, name: &str) -> Result<Cursor, EventLogError> {
        let row = sqlx::query("SELECT tx, id FROM outbox_cursors WHERE reader = $1")
            .bind(name)
            .fetch_optional(self.database.reader())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(Cursor::default()) };
        Ok(Cursor { transaction: row.try_get(0).map_err(failed)?, id: row.try_get(1).map_err(failed)? })
    }

    async fn keep_cursor(&self, name: &str, cursor: Cursor) -> Result<(), EventLogError> {
        let kept = async {
            let mut tx = self.database.write().await?;
            sqlx::query(
                "INSERT INTO outbox_cursors (reader, tx, id) VALUES ($1, $2, $3) \
                 ON CONFLICT (reader) DO UPDATE SET tx = excluded.tx, id = excluded.id",
            )
            .bind(name)
            .bind(cursor.transaction)
            .bind(cursor.id)
            .execute(tx.conn())
            .await?;
            tx.commit().await
        };
        kept.await.map_err(failed)
    }

    async fn wait(&self, at_most: Duration) {
        // Facts of other processes, and those of a transaction that was still open, are found by the bound.
        let _ = tokio::time::timeout(at_most, self.database.committed().notified()).await;
    }
}

fn fact(row: &sqlx::any::AnyRow) -> Result<Fact, SqlError> {
    Ok(Fact {
        cursor: Cursor { transaction: row.try_get(0)?, id: row.try_get(1)? },
        kind: row.try_get(2)?,
        key: row.try_get(3)?,
        payload: row.try_get(4)?,
    })
}

fn failed(error: SqlError) -> EventLogError {
    EventLogError(error.to_string())
}
