//! The data folder and the databases in it, or the ones the settings name instead.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    sync::Arc,
};

use engines::{
    embedded::{FileBlobs, LocalBus},
    sql::{self, OUTBOX_MIGRATIONS, Outbox, ROOM_LOG_MIGRATIONS, SqlRoomLog},
};
use ports::{
    blobs::Blobs,
    bus::Bus,
    event_log::EventLog,
    room_log::RoomLog,
    sql::{Database, Migration, migrate},
};

use super::{AnyError, ownership::Ownership};
use crate::config::Config;

/// What a process that does nothing but realtime keeps its data in.
pub(crate) struct RoomStores {
    /// The rooms of channels that keep everything.
    pub(crate) rooms: Database,
    /// The log that stands on it.
    pub(crate) room_log: Arc<dyn RoomLog>,
    /// Carries publications.
    pub(crate) bus: Arc<dyn Bus>,
    _lock: File,
    ownership: Option<Ownership>,
}

impl RoomStores {
    /// Opens everything and brings the schema up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self, AnyError> {
        let (lock, ownership) = claim(config).await?;
        let rooms = match config.engines.sql.as_str() {
            "" => sql::sqlite(&config.data_dir.join("rooms.db")).await?,
            url => sql::postgres(url, config.engines.sql_connections).await?,
        };
        migrate(&rooms, ROOM_LOG_MIGRATIONS).await?;
        let room_log = Arc::new(SqlRoomLog::new(rooms.clone()));
        Ok(Self { rooms, room_log, bus: Arc::new(LocalBus::default()), _lock: lock, ownership })
    }

    /// Returns when another process has taken the database over.
    pub(crate) async fn lost(&self) {
        lost(self.ownership.as_ref()).await;
    }

    /// Closes the database; everything committed is kept.
    pub(crate) async fn close(&self) {
        self.rooms.close().await;
    }
}

/// What a process keeps its data in.
pub(crate) struct Stores {
    /// Accounts, broadcasts, everything in rows.
    pub(crate) records: Database,
    /// The rooms' messages: a file of its own, so that a sync for chat does not wait for one for records.
    pub(crate) rooms: Database,
    /// The log that stands on it.
    pub(crate) room_log: Arc<dyn RoomLog>,
    /// Carries publications.
    pub(crate) bus: Arc<dyn Bus>,
    /// Recordings and thumbnails.
    pub(crate) blobs: Arc<dyn Blobs>,
    _lock: File,
    ownership: Option<Ownership>,
}

impl Stores {
    /// Opens everything and brings the schema up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self, AnyError> {
        let folder = &config.data_dir;
        let (lock, ownership) = claim(config).await?;
        let records = open_records(config).await?;
        let rooms = match config.engines.sql.as_str() {
            "" => sql::sqlite(&folder.join("rooms.db")).await?,
            _ => records.clone(),
        };
        if config.engines.sql.is_empty() {
            migrate(&rooms, ROOM_LOG_MIGRATIONS).await?;
            migrate(&records, &record_migrations()).await?;
        } else {
            let all: Vec<_> = record_migrations().into_iter().chain(ROOM_LOG_MIGRATIONS.iter().copied()).collect();
            migrate(&records, &all).await?;
        }
        let blobs = Arc::new(FileBlobs::open(folder.join("blobs")).await?);
        let room_log = Arc::new(SqlRoomLog::new(rooms.clone()));
        Ok(Self { records, rooms, room_log, bus: Arc::new(LocalBus::default()), blobs, _lock: lock, ownership })
    }

    /// The log of facts.
    pub(crate) fn event_log(&self) -> Arc<dyn EventLog> {
        Arc::new(Outbox::new(self.records.clone()))
    }

    /// Returns when another process has taken the database over. A data folder cannot be taken over.
    pub(crate) async fn lost(&self) {
        lost(self.ownership.as_ref()).await;
    }

    /// Closes the databases; everything committed is kept.
    pub(crate) async fn close(&self) {
        self.records.close().await;
        self.rooms.close().await;
    }
}

/// Opens the records alone, beside a server that may be running.
pub(crate) async fn open_records(config: &Config) -> Result<Database, AnyError> {
    Ok(match config.engines.sql.as_str() {
        "" => sql::sqlite(&config.data_dir.join("madang.db")).await?,
        url => sql::postgres(url, config.engines.sql_connections).await?,
    })
}

fn record_migrations() -> Vec<Migration> {
    let fixed = [OUTBOX_MIGRATIONS, people::MIGRATIONS, chat::MIGRATIONS].concat();
    [fixed, live::migrations()].concat()
}

/// Makes the data folder and the database this process's own.
async fn claim(config: &Config) -> Result<(File, Option<Ownership>), AnyError> {
    let folder = &config.data_dir;
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make the data folder {}: {error}", folder.display()))?;
    let lock = lock(folder)?;
    let ownership = match config.engines.sql.as_str() {
        "" => None,
        url => Some(Ownership::take(url).await?),
    };
    Ok((lock, ownership))
}

async fn lost(ownership: Option<&Ownership>) {
    match ownership {
        Some(ownership) => ownership.lost().await,
        None => std::future::pending().await,
    }
}

/// Two processes on one data folder would write over each other's spool; the second one is refused.
fn lock(folder: &Path) -> Result<File, AnyError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(format!("another process uses the data folder {}", folder.display()).into())
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
