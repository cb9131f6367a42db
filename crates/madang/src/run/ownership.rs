//! One process at a time on a PostgreSQL database.
//!
//! Two would give out the same ids, count the same crowd twice and hold each other's rooms. Each process therefore holds a
//! session-level advisory lock (PostgreSQL documentation, section 13.3.5) on a connection of its own. When that connection is
//! lost, the lock is taken again; when another process was faster, this one has to end. What may happen in between: for as
//! long as it takes to notice, both write.

use std::time::Duration;

use engines::sql;
use ports::sqlx::{self, AnyConnection, Connection};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::AnyError;

/// The lock's key within its database: `madang` in ASCII.
const KEY: i64 = 0x6d61_6461_6e67;
/// A process that was killed a moment ago may still be known to the server; its lock goes with its connection.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);
/// How often the connection is looked after, and how long it may take to answer.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Has the server give up a holder that vanished without a word, after half a minute.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// The right to be the process of a database. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Ownership {
    watch: JoinHandle<()>,
    lost: CancellationToken,
}

impl Ownership {
    /// Takes the lock of the database at `url`, or says which setting another process shares.
    pub(crate) async fn take(url: &str) -> Result<Self, AnyError> {
        let connection = match acquire(url).await? {
            Some(connection) => connection,
            None => {
                return Err(
                    "another process uses the database that the setting engines.sql names; one process at a time \
                            may: stop the other one, or name a database of its own"
                        .into(),
                );
            }
        };
        let lost = CancellationToken::new();
        let watch = tokio::spawn(keep(url.to_owned(), connection, lost.clone()));
        Ok(Self { watch, lost })
    }

    /// Returns when another process has taken over.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Looks after the connection until it is lost for good.
async fn keep(url: String, mut connection: AnyConnection, lost: CancellationToken) {
    loop {
        sleep(LOOK_EVERY).await;
        if matches!(timeout(ANSWER_TIME, connection.ping()).await, Ok(Ok(()))) {
            continue;
        }
        tracing::error!("the connection that holds the lock of engines.sql is lost; taking the lock again");
        connection = loop {
            match acquire(&url).await {
                Ok(Some(connection)) => break connection,
                Ok(None) => {
                    tracing::error!("another process has taken the database of engines.sql over; this one ends");
                    lost.cancel();
                    return;
                }
                // A server that is away lets nobody else take the lock either.
                Err(error) => tracing::warn!(error, "the lock of engines.sql cannot be taken now"),
            }
            sleep(LOOK_EVERY).await;
        };
        tracing::info!("the lock of engines.sql is held again");
    }
}

/// A connection that holds the lock; none when another one holds it for longer than [`PATIENCE`].
async fn acquire(url: &str) -> Result<Option<AnyConnection>, String> {
    let engine = |error: sqlx::Error| format!("cannot take the lock of the database of engines.sql: {error}");
    let mut connection = sql::postgres_connection(url).await.map_err(|error| error.to_string())?;
    sqlx::raw_sql(KEEPALIVE).execute(&mut connection).await.map_err(engine)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(KEY);
        let is_held: bool = query.fetch_one(&mut connection).await.map_err(engine)?;
        if is_held {
            return Ok(Some(connection));
        }
        if Instant::now() >= until {
            // Closing politely is a courtesy; dropping the connection ends it as well.
            let _ = connection.close().await;
            return Ok(None);
        }
        sleep(PAUSE).await;
    }
}
