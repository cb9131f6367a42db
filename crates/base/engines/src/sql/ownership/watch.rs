//! The connection that holds the lock.

use std::time::Duration;

use ports::sql::SqlError;
use ports::sqlx::{self, AnyConnection, AssertSqlSafe, Connection};
use tokio::time::{Instant, sleep};

use super::{OwnershipError, members};
use crate::sql::connect;

/// The key of the owner's lock within its database: `madang` in ASCII.
pub(super) const OWNER: i64 = 0x6d61_6461_6e67;
/// A process that was killed a moment ago may still be known to the server; its lock goes with its connection.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);
/// Has the server give up a holder that vanished without a word, after half a minute.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// How a process holds a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// As the only one.
    Alone,
    /// With others that hold it so.
    Together,
}

/// How the owner's name begins where several hold a database together; behind it stands the name of the first of them, so that
/// whoever was away knows whether the same ones still hold it.
const TOGETHER: &str = "several since ";

/// What holds of the rows of `pg_locks` that are this lock, held, in this database.
pub(super) fn held(key: i64) -> String {
    format!(
        "locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = {key} \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
}

/// A connection that holds the lock; none when another process holds it for longer than [`PATIENCE`].
pub(super) async fn open(url: &str, name: &str, hold: Hold) -> Result<Option<AnyConnection>, OwnershipError> {
    let mut connection = connect::postgres_connection(url).await?;
    let settings = format!("{KEEPALIVE}; SET application_name TO '{name}'");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut connection).await?;
    // Whoever looks sees the names of its own role's sessions.
    let end_own_holders = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE {} AND application_name = $1 AND pid <> pg_backend_pid()",
        held(OWNER)
    );
    let lock = match hold {
        Hold::Alone => "SELECT pg_try_advisory_lock($1)",
        Hold::Together => "SELECT pg_try_advisory_lock_shared($1)",
    };
    let until = Instant::now() + PATIENCE;
    loop {
        if ask(&mut connection, lock).await? {
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

/// Takes the database: ends what is left of the owner before, and writes down who owns it now. The connection that holds the
/// lock, and the owner's name.
pub(super) async fn take(url: &str, name: &str, hold: Hold) -> Result<Option<(AnyConnection, String)>, OwnershipError> {
    let Some(mut watch) = open(url, name, hold).await? else { return Ok(None) };
    if hold == Hold::Together {
        let owner = share(&mut watch, name).await?;
        return Ok(owner.map(|owner| (watch, owner)));
    }
    members::end_others(&mut watch).await?;
    sign(&mut watch, name).await?;
    Ok(Some((watch, name.to_owned())))
}

/// Makes a watch that holds the lock with others one of several owners: their name, unless somebody else owns it. The first of
/// them owns the database alone until it has written that down.
async fn share(watch: &mut AnyConnection, name: &str) -> Result<Option<String>, OwnershipError> {
    // The first one may take its time to end what is left of the owner before.
    let until = Instant::now() + PATIENCE + members::PATIENCE;
    loop {
        if let Some(owner) = signature(watch).await?.filter(|owner| owner.starts_with(TOGETHER)) {
            return Ok(Some(owner));
        }
        // Two that are both the first would wait for each other.
        ask(watch, "SELECT pg_advisory_unlock_shared($1)").await?;
        if ask(watch, "SELECT pg_try_advisory_lock($1)").await? {
            members::end_others(watch).await?;
            let owner = format!("{TOGETHER}{name}");
            sign(watch, &owner).await?;
            let is_held = ask(watch, "SELECT pg_try_advisory_lock_shared($1)").await?;
            ask(watch, "SELECT pg_advisory_unlock($1)").await?;
            return Ok(is_held.then_some(owner));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        sleep(PAUSE).await;
        while !ask(watch, "SELECT pg_try_advisory_lock_shared($1)").await? {
            if Instant::now() >= until {
                return Ok(None);
            }
            sleep(PAUSE).await;
        }
    }
}

/// Asks something about the owner's lock.
async fn ask(watch: &mut AnyConnection, question: &'static str) -> Result<bool, SqlError> {
    sqlx::query_scalar(question).bind(OWNER).fetch_one(watch).await
}

/// Writes down who owns the database. A table with an underscore is the engine's own, not the site's data.
pub(super) async fn sign(watch: &mut AnyConnection, owner: &str) -> Result<(), SqlError> {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS _madang_owner (name TEXT NOT NULL)").execute(&mut *watch).await?;
    let mut tx = watch.begin().await?;
    sqlx::query("DELETE FROM _madang_owner").execute(&mut *tx).await?;
    sqlx::query("INSERT INTO _madang_owner (name) VALUES ($1)").bind(owner).execute(&mut *tx).await?;
    tx.commit().await
}

/// The owner that was written down last.
pub(super) async fn signature(watch: &mut AnyConnection) -> Result<Option<String>, SqlError> {
    // Only who is alone makes the table.
    let table = "SELECT to_regclass('_madang_owner') IS NOT NULL";
    let is_there: bool = sqlx::query_scalar(table).fetch_one(&mut *watch).await?;
    if !is_there {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT name FROM _madang_owner").fetch_optional(watch).await
}
