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

/// What holds of the rows of `pg_locks` that are this lock, held, in this database.
pub(super) fn held(key: i64) -> String {
    format!(
        "locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = {key} \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

/// A connection that holds the lock; none when another process holds it for longer than [`PATIENCE`].
pub(super) async fn open(url: &str, name: &str) -> Result<Option<AnyConnection>, OwnershipError> {
    let mut connection = connect::postgres_connection(url).await?;
    let settings = format!("{KEEPALIVE}; SET application_name TO '{name}'");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut connection).await?;
    // Whoever looks sees the names of its own role's sessions.
    let end_own_holders = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE {} AND application_name = $1 AND pid <> pg_backend_pid()",
        held(OWNER)
    );
    let until = Instant::now() + PATIENCE;
    loop {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(OWNER);
        let is_held: bool = query.fetch_one(&mut connection).await?;
        if is_held {
            return Ok(Some(connection));
        }
        // A connection that is cut for this process may live on for the server; it holds the lock in vain.
        sqlx::query(AssertSqlSafe(end_own_holders.as_str())).bind(name).fetch_all(&mut connection).await?;
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
