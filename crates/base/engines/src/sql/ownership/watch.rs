//! The connection that holds the lock.

use std::time::Duration;

use ports::sql::SqlError;
use ports::sqlx::{self, AnyConnection, AssertSqlSafe, Connection};
use tokio::time::{Instant, sleep};

use super::OwnershipError;
use crate::sql::connect;

/// The key of the owner's lock within its database: `madang` in ASCII.
pub(super) const OWNER: i64 = 0x6d61_6461_6e67;
/// A process that was killed a moment ago may still be known to the server; its lock goes with its connection.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);
/// Has the server give up a holder that vanished without a word, after half a minute.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// The sessions of a process that hold the owner's lock; whoever looks sees the names of its own role's sessions.
const OWN_HOLDERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
     WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = $1 \
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
       AND application_name = $2 AND pid <> pg_backend_pid()";

/// A connection that holds the lock; none when another process holds it for longer than [`PATIENCE`].
pub(super) async fn open(url: &str, name: &str) -> Result<Option<AnyConnection>, OwnershipError> {
    let mut connection = connect::postgres_connection(url).await?;
    let settings = format!("{KEEPALIVE}; SET application_name TO '{name}'");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut connection).await?;
    let until = Instant::now() + PATIENCE;
    loop {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(OWNER);
        let is_held: bool = query.fetch_one(&mut connection).await?;
        if is_held {
            return Ok(Some(connection));
        }
        // A connection that is cut for this process may live on for the server; it holds the lock in vain.
        sqlx::query(OWN_HOLDERS).bind(OWNER).bind(name).fetch_all(&mut connection).await?;
        if Instant::now() >= until {
            // Closing politely is a courtesy; dropping the connection ends it as well.
            let _ = connection.close().await;
            return Ok(None);
        }
        sleep(PAUSE).await;
    }
}

/// Writes down who owns the database. A table with an underscore is the engine's own, not the site's data.
pub(super) async fn sign(watch: &mut AnyConnection, name: &str) -> Result<(), SqlError> {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS _madang_owner (name TEXT NOT NULL)").execute(&mut *watch).await?;
    let mut tx = watch.begin().await?;
    sqlx::query("DELETE FROM _madang_owner").execute(&mut *tx).await?;
    sqlx::query("INSERT INTO _madang_owner (name) VALUES ($1)").bind(name).execute(&mut *tx).await?;
    tx.commit().await
}

/// Whether the owner that was written down last is this one.
pub(super) async fn is_signed(watch: &mut AnyConnection, name: &str) -> Result<bool, SqlError> {
    let owner: Option<String> = sqlx::query_scalar("SELECT name FROM _madang_owner").fetch_optional(watch).await?;
    Ok(owner.as_deref() == Some(name))
}
