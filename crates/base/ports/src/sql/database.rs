//! The pools and the write transaction that carries records and facts together.

use std::sync::Arc;

use kernel::{Timestamp, events::Event};
use sqlx::{Any, AnyConnection, AnyPool, Transaction};
use tokio::sync::Notify;

use super::SqlError;
use crate::leases::Fence;

/// Which SQL engine this is, for the few places where the common language does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Milliseconds of the engine's own clock, as an expression: one clock for all processes of a site.
    pub const fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS BIGINT)",
            // Not the beginning of the transaction, which may have waited for a row.
            Self::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }
}

/// A SQL database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    dialect: Dialect,
    readers: AnyPool,
    writers: AnyPool,
    committed: Arc<Notify>,
}

impl Database {
    /// Puts a database together from its pools. On SQLite `writers` holds one connection.
    pub fn new(dialect: Dialect, readers: AnyPool, writers: AnyPool) -> Self {
        Self { dialect, readers, writers, committed: Arc::new(Notify::new()) }
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// For single reads, each with a view of its own.
    pub fn reader(&self) -> &AnyPool {
        &self.readers
    }

    pub(super) fn writers(&self) -> &AnyPool {
        &self.writers
    }

    /// Begins a write; on SQLite it waits for the one before it. Under a [`Fence`] it fails when another process has the lease.
    pub async fn write(&self) -> Result<WriteTx, SqlError> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        let tx = self.writers.begin_with(begin).await?;
        let mut tx = WriteTx { tx, dialect: self.dialect, facts: 0, committed: self.committed.clone() };
        if let Some(fence) = Fence::current() {
            tx.hold(&fence).await?;
        }
        Ok(tx)
    }

    /// Is notified when a transaction with facts was committed by this process.
    pub fn committed(&self) -> &Notify {
        &self.committed
    }

    /// Closes the pools; what was committed is kept.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// One write: records and the facts about them, kept together or not at all.
#[derive(Debug)]
pub struct WriteTx {
    tx: Transaction<'static, Any>,
    dialect: Dialect,
    facts: u32,
    committed: Arc<Notify>,
}

impl WriteTx {
    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connection, for statements.
    pub fn conn(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// Sees to it that nobody else takes the lease before this write has ended.
    async fn hold(&mut self, fence: &Fence) -> Result<(), SqlError> {
        let look = match self.dialect {
            Dialect::Sqlite => "SELECT fence FROM leases WHERE name = $1",
            Dialect::Postgres => "SELECT fence FROM leases WHERE name = $1 FOR SHARE",
        };
        let number: Option<i64> = sqlx::query_scalar(look).bind(&*fence.lease).fetch_optional(self.conn()).await?;
        if number == Some(fence.number) {
            return Ok(());
        }
        Err(SqlError::Protocol(format!("another process has the lease {:?} by now", fence.lease)))
    }

    /// Writes a fact to the event log, as part of this transaction.
    pub async fn emit<E: Event>(&mut self, event: &E, now: Timestamp) -> Result<(), SqlError> {
        let payload = serde_json::to_string(event).map_err(|error| SqlError::Encode(error.into()))?;
        // PostgreSQL hands out ids before it commits; the transaction's own number lets readers wait for open ones.
        let insert = match self.dialect {
            Dialect::Sqlite => "INSERT INTO outbox (tx, kind, key, payload, at_ms) VALUES (0, $1, $2, $3, $4)",
            Dialect::Postgres => {
                "INSERT INTO outbox (tx, kind, key, payload, at_ms) \
                 VALUES (CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT), $1, $2, $3, $4)"
            }
        };
        sqlx::query(insert)
            .bind(E::KIND)
            .bind(event.key())
            .bind(payload)
            .bind(now.as_millis())
            .execute(self.conn())
            .await?;
        self.facts += 1;
        Ok(())
    }

    /// Keeps everything, durably.
    pub async fn commit(self) -> Result<(), SqlError> {
        self.tx.commit().await?;
        if self.facts > 0 {
            self.committed.notify_waiters();
        }
        Ok(())
    }
}
