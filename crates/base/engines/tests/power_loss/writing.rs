//! The process that appends, says what was acknowledged, and is killed.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use engines::sql::{ROOM_LOG_MIGRATIONS, SqlRoomLog, sqlite};
use kernel::Timestamp;
use ports::room_log::{Appended, Entry, Redaction, RoomLog};
use ports::sql::{Database, Dialect, migrate};
use ports::sqlx::{self, AssertSqlSafe, any::AnyPoolOptions};

/// How the database waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncing {
    /// As the binary opens it.
    AsInProduction,
    /// `synchronous=NORMAL`: at checkpoints only.
    Normal,
    /// `synchronous=OFF`: never.
    Off,
}

impl Syncing {
    pub(crate) const ALL: [Self; 3] = [Self::AsInProduction, Self::Normal, Self::Off];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AsInProduction => "production",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }

    async fn open(self, path: &Path) -> Database {
        if self == Self::AsInProduction {
            return sqlite(path).await.unwrap();
        }
        sqlx::any::install_default_drivers();
        let pool = || {
            let settings = format!("PRAGMA journal_mode=WAL; PRAGMA synchronous={}", self.name());
            AnyPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
                let settings = AssertSqlSafe(settings.clone());
                Box::pin(async move { sqlx::raw_sql(settings).execute(connection).await.map(|_| ()) })
            })
        };
        let url = format!("sqlite://{}?mode=rwc", path.to_str().unwrap());
        let (writers, readers) = (pool().connect(&url).await.unwrap(), pool().connect(&url).await.unwrap());
        Database::new(Dialect::Sqlite, readers, writers)
    }
}

/// The database's file in its folder.
pub(crate) const FILE: &str = "rooms.db";
/// Rooms that are written at once.
pub(crate) const ROOMS: u32 = 8;

pub(crate) fn room(number: u32) -> String {
    format!("room:{number}")
}

/// What stands at `offset`; long enough that a checkpoint comes every few hundred appends.
pub(crate) fn data(room: u32, offset: u64) -> Bytes {
    format!("\"{room}/{offset}/{}\"", "x".repeat(3_000)).into()
}

/// What stands where an entry was redacted.
pub(crate) fn tombstone(room: u32, offset: u64) -> Bytes {
    format!("\"{room}/{offset}/redacted\"").into()
}

/// Each group is two entries; the second redacts the first.
pub(crate) async fn write_for_ever() {
    let setting = |name: &str| std::env::var(name).expect("only the power loss tests start this");
    let syncing = setting("MADANG_TEST_POWER_LOSS_SYNCING");
    let syncing = Syncing::ALL.into_iter().find(|one| one.name() == syncing).unwrap();
    let folder = setting("MADANG_TEST_POWER_LOSS_FOLDER");
    let database = syncing.open(&Path::new(&folder).join(FILE)).await;
    migrate(&database, ROOM_LOG_MIGRATIONS).await.unwrap();
    let log = Arc::new(SqlRoomLog::new(database));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..ROOMS {
        let log = log.clone();
        writers.spawn(async move { write(&*log, number).await });
    }
    writers.join_all().await;
}

async fn write(log: &dyn RoomLog, number: u32) {
    let epoch = log.head(&room(number)).await.unwrap().epoch;
    for first in (1..).step_by(2) {
        let entry = |offset, redacts| {
            let keys = vec![format!("key {offset}")];
            Entry { keys, at: Timestamp::from_millis(offset as i64), data: data(number, offset), redacts, about: None }
        };
        let redaction = Redaction { offset: first, replacement: tombstone(number, first) };
        let group = vec![entry(first, None), entry(first + 1, Some(redaction))];
        assert_eq!(log.append(&room(number), &epoch, first, group).await.unwrap(), Appended::Ok);
        println!("kept {number} {first} {epoch}");
    }
}
