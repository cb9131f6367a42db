//! The connections that may write: each holds the members' lock, and got it while this process was the owner.

use std::time::Duration;

use ports::sql::SqlError;
use ports::sqlx::{self, AnyConnection, AssertSqlSafe, SqlSafeStr, SqlStr};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::{
    OwnershipError,
    watch::{OWNER, held},
};
use crate::sql::connect::SETTINGS;

/// The key of the members' lock within its database.
const MEMBERS: i64 = OWNER + 1;
/// How long the server may take to end the members of another process.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// The name by which this process's connections know each other.
#[derive(Debug)]
pub(crate) struct Members {
    name: String,
    /// Somebody was not admitted: it may be time to look after the lock.
    pub(super) refused: Notify,
}

impl Members {
    pub(super) fn new() -> Result<Self, SqlError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| SqlError::Configuration(error.into()))?;
        // Operators see it in pg_stat_activity.
        let name = format!("madang {:016x}", u64::from_le_bytes(random));
        Ok(Self { name, refused: Notify::new() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a new connection does first. The lock comes before the look at the owner: whoever takes the database over in
    /// between finds the lock, or is found.
    pub(super) fn join(&self) -> SqlStr {
        let (name, held) = (&self.name, held(OWNER));
        let text = format!(
            "{SETTINGS}; SET application_name TO '{name}'; \
             DO $$ BEGIN \
               IF NOT pg_try_advisory_lock_shared({MEMBERS}) THEN \
                 RAISE EXCEPTION 'another process takes the database over'; \
               END IF; \
               IF NOT EXISTS ( \
                 SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) \
                 WHERE {held} AND application_name = '{name}') THEN \
                 RAISE EXCEPTION 'this process does not hold the lock of the database at present'; \
               END IF; \
             END $$"
        );
        AssertSqlSafe(text).into_sql_str()
    }

    /// Makes a connection of a pool a member.
    pub(crate) async fn admit(&self, connection: &mut AnyConnection) -> Result<(), SqlError> {
        let joined = sqlx::raw_sql(self.join()).execute(connection).await;
        if joined.is_err() {
            self.refused.notify_one();
        }
        joined.map(|_| ())
    }
}

/// Ends every member there is, and returns when the server knows none. The watch holds the owner's lock, so none comes anew.
pub(super) async fn end_others(watch: &mut AnyConnection) -> Result<(), OwnershipError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(MEMBERS);
        let is_alone: bool = query.fetch_one(&mut *watch).await?;
        if is_alone {
            sqlx::query("SELECT pg_advisory_unlock($1)").bind(MEMBERS).execute(watch).await?;
            return Ok(());
        }
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {}", held(MEMBERS));
        let ended = sqlx::query(AssertSqlSafe(end)).fetch_all(&mut *watch).await;
        if let Err(error) = ended {
            return Err(OwnershipError::Remain(error.to_string()));
        }
        if Instant::now() >= until {
            return Err(OwnershipError::Remain(format!("they were told so {} s ago", PATIENCE.as_secs())));
        }
        sleep(PAUSE).await;
    }
}
