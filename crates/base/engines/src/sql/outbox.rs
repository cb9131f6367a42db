//! The outbox read in order: the event log of a site without a broker.
//!
//! On PostgreSQL a fact carries the number of its transaction, and nothing is read that belongs to a transaction which is
//! still open or to one whose number is higher (`pg_snapshot_xmin`, PostgreSQL documentation, section 9.27.8). The server
//! counts for all its databases together: a transaction that stays open in another one of them delays the readers of this
//! one, and loses them nothing.
//!
//! Decided: no `LISTEN`/`NOTIFY` and no `SKIP LOCKED`. One process writes and reads, and wakes its readers without the
//! server ([`Database::committed`]), at once, where a notification would cost each commit a lock that the commits of all
//! databases share. What wakes nobody (a transaction in the way that had no facts) is found by the bound of `wait`. Each reader
//! follows all facts in order with a cursor of its own, so there is no row that two of them could compete for.

use std::time::Duration;

use async_trait::async_trait;
use kernel::Timestamp;
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

    /// Makes the places that another server gave older than all that this one gives. To be called by each process
    /// that owns the database before it writes.
    ///
    /// PostgreSQL counts its transactions by itself: a dump that is restored on another server brings places along that
    /// this one may have yet to reach, and what it wrote from now on would stand before the readers' cursors.
    pub async fn adopt_places(&self) -> Result<(), SqlError> {
        if self.database.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let mut tx = self.database.write().await?;
        // Of several that begin at once, one after the other; whoever writes facts is not held up.
        sqlx::query("LOCK TABLE outbox IN SHARE UPDATE EXCLUSIVE MODE").execute(tx.conn()).await?;
        let is_foreign: bool = sqlx::query_scalar(IS_FOREIGN).fetch_one(tx.conn()).await?;
        if !is_foreign {
            return Ok(());
        }
        let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(tx.conn()).await?;
        sqlx::query(ADOPT_CURSORS).bind(newest).execute(tx.conn()).await?;
        sqlx::query(ADOPT_FACTS).bind(newest).execute(tx.conn()).await?;
        sqlx::query(COUNT_ON).bind(newest).fetch_all(tx.conn()).await?;
        tx.commit().await
    }

    async fn trim_some(&self, older_than: Timestamp) -> Result<u64, SqlError> {
        let mut tx = self.database.write().await?;
        let done =
            sqlx::query(TRIM).bind(older_than.as_millis()).bind(TRIM_BATCH).execute(tx.conn()).await?.rows_affected();
        tx.commit().await?;
        Ok(done)
    }
}

/// Facts removed in one transaction: others that write do not wait for long.
const TRIM_BATCH: i64 = 1_000;
const TRIM: &str = "DELETE FROM outbox WHERE id IN ( \
       SELECT id FROM outbox WHERE at_ms < $1 AND NOT EXISTS ( \
         SELECT 1 FROM outbox_cursors AS c WHERE c.tx < outbox.tx OR (c.tx = outbox.tx AND c.id < outbox.id)) \
       ORDER BY tx, id LIMIT $2)";

/// No transaction of this server has a number that it has yet to give.
const IS_FOREIGN: &str = "SELECT COALESCE(MAX(tx), 0) >= CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT) \
     FROM (SELECT tx FROM outbox UNION ALL SELECT tx FROM outbox_cursors) AS places";
const NEWEST: &str =
    "SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM outbox UNION ALL SELECT id FROM outbox_cursors) AS places";
/// A cursor stands behind as many facts as before.
const ADOPT_CURSORS: &str = "UPDATE outbox_cursors AS c SET tx = 0, id = $1 + \
     (SELECT COUNT(*) FROM outbox AS o WHERE o.tx < c.tx OR (o.tx = c.tx AND o.id <= c.id))";
/// The facts keep their order, under ids that none had before.
const ADOPT_FACTS: &str = "UPDATE outbox AS o SET tx = 0, id = $1 + n.place \
     FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY tx, id) AS place FROM outbox) AS n WHERE n.id = o.id";
const COUNT_ON: &str =
    "SELECT setval(pg_get_serial_sequence('outbox', 'id'), $1 + (SELECT COUNT(*) FROM outbox) + 1, false)";

const READ_SQLITE: &str = "SELECT tx, id, kind, key, payload, at_ms FROM outbox \
     WHERE tx > $1 OR (tx = $1 AND id > $2) ORDER BY tx, id LIMIT $3";
// A transaction that is still open may yet write facts with its number; nothing from it or behind it is read before.
const READ_POSTGRES: &str = "SELECT tx, id, kind, key, payload, at_ms FROM outbox \
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
                 ON CONFLICT (reader) DO UPDATE SET tx = excluded.tx, id = excluded.id \
                 WHERE (outbox_cursors.tx, outbox_cursors.id) < (excluded.tx, excluded.id)",
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

    async fn forget_cursor(&self, name: &str) -> Result<(), EventLogError> {
        let forgotten = async {
            let mut tx = self.database.write().await?;
            sqlx::query("DELETE FROM outbox_cursors WHERE reader = $1").bind(name).execute(tx.conn()).await?;
            tx.commit().await
        };
        forgotten.await.map_err(failed)
    }

    async fn trim(&self, older_than: Timestamp) -> Result<u64, EventLogError> {
        let mut removed = 0;
        loop {
            let batch = self.trim_some(older_than).await.map_err(failed)?;
            removed += batch;
            if batch == 0 {
                return Ok(removed);
            }
        }
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
        at: Timestamp::from_millis(row.try_get(5)?),
    })
}

fn failed(error: SqlError) -> EventLogError {
    EventLogError(error.to_string())
}

#[cfg(test)]
mod tests;
