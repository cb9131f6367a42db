//! For tests: fresh databases on every SQL engine there is, and a clock that stands still until it is moved.
//!
//! PostgreSQL is used when `MADANG_TEST_POSTGRES` holds the URL of a server whose user may create databases; the test
//! command starts one and sets it. Each test gets a database of its own.

mod cassandra;
mod gatherings;
mod java_server;
mod kafka;
mod redis;
mod s3;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kernel::{Clock, Timestamp};
use ports::sql::{Database, Migration, migrate};
use ports::sqlx::{self, AssertSqlSafe, Connection};

pub use self::{
    cassandra::{CassandraProcess, cassandra_keyspace},
    gatherings::LocalGatherings,
    kafka::{KafkaProcess, kafka_names},
    redis::RedisProcesses,
    s3::S3Process,
};
use crate::sql;

/// A database for one test; its folder goes with it.
#[derive(Debug)]
pub struct TestDatabase {
    /// `sqlite` or `postgres`, for messages.
    pub engine: &'static str,
    /// The database, with the outbox and the given migrations.
    pub database: Database,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl TestDatabase {
    /// Opens the same database once more, as another process would; it is not migrated again.
    #[allow(clippy::expect_used, reason = "a test that cannot have its database must fail loudly")]
    pub async fn open_again(&self) -> Database {
        match &self.place {
            Place::Sqlite(folder) => sql::sqlite(&folder.path().join(SQLITE_FILE)).await.expect("SQLite opens"),
            Place::Postgres(url) => sql::postgres(url, POSTGRES_CONNECTIONS).await.expect("PostgreSQL opens"),
        }
    }
}

const SQLITE_FILE: &str = "test.db";
const POSTGRES_CONNECTIONS: u32 = 4;

/// A fresh database on each engine, migrated.
#[allow(clippy::expect_used, reason = "a test that cannot have its database must fail loudly")]
pub async fn databases(migrations: &[&[Migration]]) -> Vec<TestDatabase> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = sql::sqlite(&folder.path().join(SQLITE_FILE)).await.expect("SQLite opens");
    let mut found = vec![TestDatabase { engine: "sqlite", database, place: Place::Sqlite(folder) }];
    if let Ok(server) = std::env::var("MADANG_TEST_POSTGRES") {
        let url = own_postgres_database(&server).await;
        let database = sql::postgres(&url, POSTGRES_CONNECTIONS).await.expect("PostgreSQL opens");
        found.push(TestDatabase { engine: "postgres", database, place: Place::Postgres(url) });
    }
    for each in &found {
        let steps: Vec<Migration> =
            [sql::OUTBOX_MIGRATIONS].iter().chain(migrations).flat_map(|m| m.iter().copied()).collect();
        migrate(&each.database, &steps).await.expect("the migrations run");
    }
    found
}

/// The URL of an empty database on PostgreSQL, when there is a server for tests.
pub async fn empty_postgres_database() -> Option<String> {
    let server = std::env::var("MADANG_TEST_POSTGRES").ok()?;
    Some(own_postgres_database(&server).await)
}

async fn own_postgres_database(server: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    create_postgres_database(server, &name).await
}

/// Creates an empty database on the server, in place of one with the same name; gives its URL.
#[allow(clippy::expect_used, reason = "a test that cannot have its database must fail loudly")]
async fn create_postgres_database(server: &str, name: &str) -> String {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(server).await.expect("the PostgreSQL server answers");
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.expect("a database of its own");
    }
    let (base, _) = server.rsplit_once('/').expect("a URL that ends in a database's name");
    format!("{base}/{name}")
}

/// A clock that moves only when told.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `ms` since the Unix epoch.
    pub fn at(ms: i64) -> Self {
        Self(AtomicI64::new(ms))
    }

    /// Moves it by `ms`.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
