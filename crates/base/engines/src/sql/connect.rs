//! Opening a database.

use std::{path::Path, sync::Arc, time::Duration};

use ports::sql::{Database, Dialect, SqlError};
use ports::sqlx::{self, AnyConnection, Connection, any::AnyPoolOptions};

use super::ownership::Members;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The path cannot be written as a URL.
    #[error("the path {0:?} is not UTF-8")]
    Path(std::path::PathBuf),
    /// The engine refused.
    #[error("cannot open the database {name}: {source}")]
    Engine {
        /// The file or host, without secrets.
        name: String,
        /// What it said.
        source: SqlError,
    },
}

const READERS: u32 = 4;

/// Opens the SQLite file at `path`, making it when missing: WAL, a sync to the disk for each commit, one writer.
pub async fn sqlite(path: &Path) -> Result<Database, ConnectError> {
    sqlx::any::install_default_drivers();
    let text = path.to_str().ok_or_else(|| ConnectError::Path(path.to_owned()))?;
    let escaped = text.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let url = format!("sqlite://{escaped}?mode=rwc");
    let engine = |source| ConnectError::Engine { name: text.to_owned(), source };
    let writers = sqlite_pool(1).connect(&url).await.map_err(engine)?;
    let readers = sqlite_pool(READERS).connect(&url).await.map_err(engine)?;
    Ok(Database::new(Dialect::Sqlite, readers, writers))
}

fn sqlite_pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        // A file does not go away.
        .test_before_acquire(false)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let settings = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
                                PRAGMA busy_timeout=10000; PRAGMA wal_autocheckpoint=2000";
                sqlx::raw_sql(settings).execute(connection).await.map(|_| ())
            })
        })
        // A full disk makes SQLite roll back by itself, which the driver does not notice: it would take no transaction on
        // that connection again. Another connection takes its place.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// How long a caller waits for a connection. A server that restarts is back sooner; one that stays away is told of.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// Opens a PostgreSQL database beside the process that owns it, or where nobody does; `connections` bounds each of the two
/// pools. Who goes on writing takes it as its owner: [`super::Ownership`].
pub async fn postgres(url: &str, connections: u32) -> Result<Database, ConnectError> {
    pools(url, connections, None).await
}

/// The same; each connection becomes one of `members`, or is not used.
pub(super) async fn pools(
    url: &str,
    connections: u32,
    members: Option<Arc<Members>>,
) -> Result<Database, ConnectError> {
    sqlx::any::install_default_drivers();
    let engine = |source| ConnectError::Engine { name: host(url).to_owned(), source };
    let pool = || {
        let members = members.clone();
        let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(CONNECTION_WAIT);
        options.after_connect(move |connection, _| {
            let members = members.clone();
            Box::pin(async move {
                match members {
                    Some(members) => members.admit(connection).await,
                    None => sqlx::raw_sql(SETTINGS).execute(connection).await.map(|_| ()),
                }
            })
        })
    };
    let writers = pool().connect(url).await.map_err(engine)?;
    let readers = pool().connect(url).await.map_err(engine)?;
    Ok(Database::new(Dialect::Postgres, readers, writers))
}

/// Whatever the server's own default is: a commit that returns is on its disk.
pub(super) const SETTINGS: &str = "SET synchronous_commit TO on";

/// Opens a single connection to a PostgreSQL database, for what a session holds.
pub(super) async fn postgres_connection(url: &str) -> Result<AnyConnection, ConnectError> {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.map_err(|source| ConnectError::Engine { name: host(url).to_owned(), source })
}

/// The part of a URL that holds no secrets.
pub(super) fn host(url: &str) -> &str {
    let place = url.rsplit_once('@').map_or(url, |(_, host)| host);
    place.split_once('?').map_or(place, |(place, _)| place)
}
