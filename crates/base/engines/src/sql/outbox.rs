//! The outbox read in order: the event log of a site without a broker.

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
    })
}

fn failed(error: SqlError) -> EventLogError {
    EventLogError(error.to_string())
}

#[cfg(test)]
mod tests {
    use kernel::events::Event;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::testing::databases;

    #[derive(Serialize, Deserialize)]
    struct Happened(i64);

    impl Event for Happened {
        const KIND: &'static str = "test.happened";
        fn key(&self) -> String {
            self.0.to_string()
        }
    }

    async fn write(database: &Database, ids: std::ops::Range<i64>, at: Timestamp) {
        let mut tx = database.write().await.unwrap();
        for id in ids {
            tx.emit(&Happened(id), at).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// The facts behind `after`, once there are `count`: on PostgreSQL open transactions hold them back, and those of
    /// other tests on the same server do too.
    async fn behind(log: &Outbox, after: Cursor, count: usize) -> Vec<Fact> {
        let found = async {
            loop {
                let facts = log.read(after, 10_000).await.unwrap();
                if facts.len() >= count {
                    return facts;
                }
                log.wait(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("the facts can be read")
    }

    /// The keys of all `count` facts, in their order.
    async fn keys(log: &Outbox, count: usize) -> Vec<i64> {
        behind(log, Cursor::default(), count).await.iter().map(|fact| fact.key.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn old_facts_are_trimmed_when_every_reader_has_passed_them() {
        for db in databases(&[]).await {
            let log = Outbox::new(db.database.clone());
            let at = Timestamp::from_millis;
            for id in 1..=5 {
                write(&db.database, id..id + 1, at(id * 1_000)).await;
            }
            let facts = behind(&log, Cursor::default(), 5).await;
            log.keep_cursor("slow", facts[1].cursor).await.unwrap();
            log.keep_cursor("fast", facts[4].cursor).await.unwrap();
            assert_eq!(log.trim(at(1_000)).await.unwrap(), 0, "{}: nothing is older", db.engine);
            assert_eq!(log.trim(at(4_000)).await.unwrap(), 2, "{}: the slow one has not seen the third", db.engine);
            assert_eq!(keys(&log, 3).await, [3, 4, 5], "{}", db.engine);
            let left = behind(&log, log.cursor("slow").await.unwrap(), 3).await;
            assert_eq!(left, facts[2..], "{}: what remains keeps its place", db.engine);
            log.keep_cursor("slow", facts[4].cursor).await.unwrap();
            assert_eq!(log.trim(at(5_000)).await.unwrap(), 2, "{}: the fifth is too young", db.engine);
            assert_eq!(log.trim(at(6_000)).await.unwrap(), 1, "{}", db.engine);

            write(&db.database, 6..7, at(6_000)).await;
            let next = behind(&log, log.cursor("fast").await.unwrap(), 1).await;
            assert_eq!(next.len(), 1, "{}: an emptied log goes on behind its readers", db.engine);
            assert!(next[0].cursor > facts[4].cursor, "{}", db.engine);
        }
    }

    #[tokio::test]
    async fn without_readers_age_alone_counts_however_many_there_are() {
        for db in databases(&[]).await {
            let log = Outbox::new(db.database.clone());
            write(&db.database, 0..2_500, Timestamp::from_millis(1_000)).await;
            write(&db.database, 2_500..2_501, Timestamp::from_millis(2_000)).await;
            assert_eq!(log.trim(Timestamp::from_millis(2_000)).await.unwrap(), 2_500, "{}", db.engine);
            assert_eq!(keys(&log, 1).await, [2_500], "{}", db.engine);
        }
    }
}
