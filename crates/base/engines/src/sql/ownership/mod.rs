//! Who owns a PostgreSQL database: one process, or several that have said so.
//!
//! Two would give out the same ids, count the same crowd twice and hold each other's rooms.
//!
//! Promise: what a process commits, it commits as the only owner. The owner's *watch*, a connection of its own, holds a
//! session-level advisory lock (PostgreSQL documentation, section 13.3.5). Every other connection of a process is a
//! *member*: it holds a second lock, shared, and is opened only while the watch holds the first. Whoever takes the first
//! lock ends the members of the owner before, and waits until the server knows none of them any more, before it opens its
//! own: so a process that has lost the lock and does not know it yet can neither commit nor connect.
//!
//! When the watch is lost (a restarted server, a cut network), the lock is taken again. Where another process had it in
//! between, the owner's name in the database is another's, and the process has to end: what it has in memory is no longer
//! true. A server that is away lets nobody else take the lock either.
//!
//! Several processes that need nothing of each other but what the database itself holds (a room's places are given by a
//! conditional append) may own it *together*: they share the first lock, their common name is written down, and all that is
//! said above holds between them and whoever owns it alone.
//!
//! May lose: what had not been committed when the members were ended.

mod keeping;
mod members;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use ports::sql::{Database, SqlError};
use ports::sqlx::{self, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinHandle;

use super::connect::{self, ConnectError};
pub(super) use members::Members;
use watch::Hold;

/// Why a process does not own the database.
#[derive(Debug, thiserror::Error)]
pub enum OwnershipError {
    /// Another process does.
    #[error("another process uses the database")]
    Taken,
    /// Connections of the process before do not end.
    #[error("connections of the process that used the database before do not end: {0}")]
    Remain(String),
    /// The server cannot be reached, or refuses.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server failed.
    #[error("cannot take the lock of the database: {0}")]
    Engine(#[from] SqlError),
}

/// The right to be the process of a database. It is given back when this is dropped.
#[derive(Debug)]
pub struct Ownership {
    url: String,
    members: Arc<Members>,
    keeper: JoinHandle<()>,
    lost: tokio::sync::watch::Receiver<bool>,
}

impl Ownership {
    /// Takes the database at `url`, and ends what is left of the process before.
    pub async fn take(url: &str) -> Result<Self, OwnershipError> {
        Self::begin(url, Hold::Alone).await
    }

    /// Takes it together with all others that do so.
    pub async fn share(url: &str) -> Result<Self, OwnershipError> {
        Self::begin(url, Hold::Together).await
    }

    async fn begin(url: &str, hold: Hold) -> Result<Self, OwnershipError> {
        let members = Arc::new(Members::new()?);
        let (watch, owner) = watch::take(url, members.name(), hold).await?.ok_or(OwnershipError::Taken)?;
        let (told, lost) = tokio::sync::watch::channel(false);
        let keeper = tokio::spawn(keeping::keep(url.to_owned(), hold, owner, watch, members.clone(), told));
        Ok(Self { url: url.to_owned(), members, keeper, lost })
    }

    /// Opens the database; `connections` bounds each of its two pools.
    pub async fn database(&self, connections: u32) -> Result<Database, ConnectError> {
        connect::pools(&self.url, connections, Some(self.members.clone())).await
    }

    /// Opens a single connection, for what pools do not do: its statements may take long, and nobody is told so.
    pub async fn connection(&self) -> Result<PgConnection, ConnectError> {
        let engine = |source| ConnectError::Engine { name: connect::host(&self.url).to_owned(), source };
        let options = self.url.parse::<PgConnectOptions>().map_err(engine)?.disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await.map_err(engine)?;
        sqlx::raw_sql(self.members.join()).execute(&mut connection).await.map_err(engine)?;
        Ok(connection)
    }

    /// The server and the database, without secrets.
    pub fn place(&self) -> &str {
        connect::host(&self.url)
    }

    /// Returns when another process has taken over.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|is_lost| *is_lost).await.is_err() {
            // Nobody looks any more, because the process ends.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
