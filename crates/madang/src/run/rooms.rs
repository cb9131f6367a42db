//! Where the rooms' messages are: beside the records, or in Cassandra.

use std::sync::Arc;

#[cfg(feature = "cassandra")]
use engines::cassandra::CassandraRoomLog;
use engines::sql::SqlRoomLog;
use ports::{
    room_log::RoomLog,
    sql::Database,
    sqlx::{self, Row as _},
};

use super::AnyError;
use crate::config::Config;

/// The keeper of the room log.
pub(crate) enum Rooms {
    /// The tables of a SQL database, which are there.
    Sql(Database),
    /// A keyspace.
    #[cfg(feature = "cassandra")]
    Cassandra(Arc<CassandraRoomLog>),
}

impl Rooms {
    /// What the settings name in place of SQL; it has to be this site's.
    #[cfg(feature = "cassandra")]
    pub(crate) async fn elsewhere(config: &Config, site: &str) -> Result<Option<Self>, AnyError> {
        if config.engines.cassandra.is_empty() {
            return Ok(None);
        }
        let connect = async {
            let address = config.engines.cassandra.parse()?;
            let log = CassandraRoomLog::connect(&address).await?;
            log.claim(site).await?;
            Ok::<_, AnyError>(log)
        };
        let log = connect
            .await
            .map_err(|error| format!("the Cassandra of the setting engines.cassandra cannot be used: {error}"))?;
        Ok(Some(Self::Cassandra(Arc::new(log))))
    }

    /// What the settings name in place of SQL: nothing, since this binary has no client for it.
    #[cfg(not(feature = "cassandra"))]
    pub(crate) async fn elsewhere(_: &Config, _: &str) -> Result<Option<Self>, AnyError> {
        Ok(None)
    }

    /// The log. On SQLite each call starts a writer of its own: once for a process.
    pub(crate) fn log(&self) -> Arc<dyn RoomLog> {
        match self {
            Self::Sql(database) => Arc::new(SqlRoomLog::new(database.clone())),
            #[cfg(feature = "cassandra")]
            Self::Cassandra(log) => log.clone(),
        }
    }

    /// Whether it answers.
    pub(crate) async fn check(&self) -> Result<(), String> {
        match self {
            Self::Sql(database) => answers(database).await,
            #[cfg(feature = "cassandra")]
            Self::Cassandra(log) => log.check().await.map_err(|error| error.to_string()),
        }
    }

    /// Closes a database; everything committed is kept.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sql(database) => database.close().await,
            #[cfg(feature = "cassandra")]
            Self::Cassandra(_) => (),
        }
    }
}

/// Whether the database answers.
pub(crate) async fn answers(database: &Database) -> Result<(), String> {
    sqlx::query("SELECT 1").execute(database.reader()).await.map(drop).map_err(|error| error.to_string())
}

/// Says so when messages stay behind in a database whose place another engine has taken.
pub(crate) async fn tell_what_is_left(database: &Database) -> Result<(), AnyError> {
    let row = sqlx::query("SELECT COUNT(*) FROM (SELECT 1 FROM room_groups LIMIT 1) AS oldest");
    let left: i64 = row.fetch_one(database.reader()).await?.try_get(0)?;
    if left > 0 {
        tracing::warn!(
            "messages are left in the SQL database, and nobody sees them: engines.cassandra keeps the rooms now"
        );
    }
    Ok(())
}
