//! The contract on both engines, and what is particular to SQL.

use std::sync::Arc;

use async_trait::async_trait;
use ports::contract::room_log::{self as contract, Store};
use ports::room_log::RoomLog;
use ports::sql::{Database, Dialect, Row};
use ports::sqlx::{self, AssertSqlSafe};
use tokio::sync::Mutex;

use super::*;
use crate::testing::{TestDatabase, databases};

struct SqlStore {
    test: TestDatabase,
    opened: Mutex<Vec<Database>>,
}

#[async_trait]
impl Store for SqlStore {
    async fn open(&self) -> Arc<dyn RoomLog> {
        let database = self.test.open_again().await;
        self.opened.lock().await.push(database.clone());
        Arc::new(SqlRoomLog::new(database))
    }

    async fn reopen(&self) -> Arc<dyn RoomLog> {
        for database in self.opened.lock().await.drain(..) {
            database.close().await;
        }
        self.open().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract() {
    for test in databases(&[ROOM_LOG_MIGRATIONS]).await {
        contract::run(&SqlStore { test, opened: Mutex::default() }).await;
    }
}

fn entry(text: &str) -> Entry {
    let data = serde_json::to_vec(text).unwrap().into();
    Entry { keys: vec![], at: kernel::Timestamp::from_millis(1), data, redacts: None, about: None }
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_on_every_writing_connection() {
    for test in databases(&[ROOM_LOG_MIGRATIONS]).await {
        let asked = match test.database.dialect() {
            Dialect::Sqlite => [("PRAGMA synchronous", "2"), ("PRAGMA journal_mode", "wal")].as_slice(),
            Dialect::Postgres => &[("SHOW synchronous_commit", "on")],
        };
        let writers = if test.engine == "sqlite" { 1 } else { 4 };
        let mut open = Vec::new();
        for _ in 0..writers {
            let mut tx = test.database.write().await.unwrap();
            for (setting, expected) in asked {
                let row = sqlx::query(AssertSqlSafe(*setting)).fetch_one(tx.conn()).await.unwrap();
                let found = row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()));
                assert_eq!(found.unwrap(), *expected, "{setting}");
            }
            open.push(tx);
        }
    }
}

#[tokio::test]
async fn appends_that_share_a_commit_fail_alone() {
    for test in databases(&[ROOM_LOG_MIGRATIONS]).await.into_iter().filter(|test| test.engine == "sqlite") {
        let log = Arc::new(SqlRoomLog::new(test.database.clone()));
        let epoch = log.head("good").await.unwrap().epoch;
        // While this transaction is open, the writer's task waits, and everything else gathers behind it.
        let held = test.database.write().await.unwrap();
        let mut appends = tokio::task::JoinSet::new();
        for number in 1..=50_u64 {
            let (log, epoch) = (log.clone(), epoch.clone());
            appends.spawn(async move {
                let expected = if number.is_multiple_of(5) { 1_000 } else { number - number / 5 };
                (number, log.append("good", &epoch, expected, vec![entry(&number.to_string())]).await.unwrap())
            });
            tokio::task::yield_now().await;
        }
        drop(held);
        while let Some(result) = appends.join_next().await {
            let (number, answer) = result.unwrap();
            assert_eq!(answer == Appended::Ok, !number.is_multiple_of(5), "append {number}: {answer:?}");
        }
        assert_eq!(log.head("good").await.unwrap().next, 41);
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_then_recovers() {
    for test in databases(&[ROOM_LOG_MIGRATIONS]).await.into_iter().filter(|test| test.engine == "sqlite") {
        let log = Arc::new(SqlRoomLog::new(test.database.clone()));
        let epoch = log.head("room").await.unwrap().epoch;
        let held = test.database.write().await.unwrap();
        let mut appends = tokio::task::JoinSet::new();
        for _ in 0..writer::APPENDS_WAITING_MAX + writer::APPENDS_PER_COMMIT_MAX + 1 {
            let (log, epoch) = (log.clone(), epoch.clone());
            appends.spawn(async move { log.append("room", &epoch, 1, vec![entry("x")]).await });
        }
        let refused = appends.join_next().await.unwrap().unwrap();
        assert!(
            matches!(&refused, Err(RoomLogError::Engine(text)) if text.contains("4096 appends wait")),
            "{refused:?}"
        );
        drop(held);
        let rest = appends.join_all().await;
        assert_eq!(rest.iter().filter(|answer| matches!(answer, Ok(Appended::Ok))).count(), 1);
        assert_eq!(log.head("room").await.unwrap().next, 2);
    }
}
