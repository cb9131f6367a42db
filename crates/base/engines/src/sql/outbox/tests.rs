//! The outbox on both engines: order, trimming, and what only PostgreSQL lets happen.

use kernel::events::Event;
use serde::{Deserialize, Serialize};

use super::*;
use crate::testing::databases;

#[derive(Serialize, Deserialize)]
struct Happened(i64);

impl Event for Happened {
    const KIND: &'static str = "test.happened";
    fn key(&self) -> String {
        self.0.to_string()
    }
}

async fn write(database: &Database, ids: std::ops::Range<i64>, at: Timestamp) {
    let mut tx = database.write().await.unwrap();
    for id in ids {
        tx.emit(&Happened(id), at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The facts behind `after`, once there are `count`: on PostgreSQL open transactions hold them back, and those of
/// other tests on the same server do too.
async fn behind(log: &Outbox, after: Cursor, count: usize) -> Vec<Fact> {
    let found = async {
        loop {
            let facts = log.read(after, 10_000).await.unwrap();
            if facts.len() >= count {
                return facts;
            }
            log.wait(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("the facts can be read")
}

/// The keys of all `count` facts, in their order.
async fn keys(log: &Outbox, count: usize) -> Vec<i64> {
    behind(log, Cursor::default(), count).await.iter().map(|fact| fact.key.parse().unwrap()).collect()
}

#[tokio::test]
async fn old_facts_are_trimmed_when_every_reader_has_passed_them() {
    for db in databases(&[]).await {
        let log = Outbox::new(db.database.clone());
        let at = Timestamp::from_millis;
        for id in 1..=5 {
            write(&db.database, id..id + 1, at(id * 1_000)).await;
        }
        let facts = behind(&log, Cursor::default(), 5).await;
        log.keep_cursor("slow", facts[1].cursor).await.unwrap();
        log.keep_cursor("fast", facts[4].cursor).await.unwrap();
        assert_eq!(log.trim(at(1_000)).await.unwrap(), 0, "{}: nothing is older", db.engine);
        assert_eq!(log.trim(at(4_000)).await.unwrap(), 2, "{}: the slow one has not seen the third", db.engine);
        assert_eq!(keys(&log, 3).await, [3, 4, 5], "{}", db.engine);
        let left = behind(&log, log.cursor("slow").await.unwrap(), 3).await;
        assert_eq!(left, facts[2..], "{}: what remains keeps its place", db.engine);
        log.keep_cursor("slow", facts[4].cursor).await.unwrap();
        assert_eq!(log.trim(at(5_000)).await.unwrap(), 2, "{}: the fifth is too young", db.engine);
        assert_eq!(log.trim(at(6_000)).await.unwrap(), 1, "{}", db.engine);

        write(&db.database, 6..7, at(6_000)).await;
        let next = behind(&log, log.cursor("fast").await.unwrap(), 1).await;
        assert_eq!(next.len(), 1, "{}: an emptied log goes on behind its readers", db.engine);
        assert!(next[0].cursor > facts[4].cursor, "{}", db.engine);
    }
}

/// Two processes that read under one name, of which the slower one keeps its cursor last.
#[tokio::test]
async fn a_cursor_never_goes_back() {
    for db in databases(&[]).await {
        let log = Outbox::new(db.database.clone());
        let at = |transaction, id| Cursor { transaction, id };
        for (kept, stands) in [
            (at(2, 5), at(2, 5)),
            (at(2, 4), at(2, 5)),
            (at(1, 9), at(2, 5)),
            (at(2, 6), at(2, 6)),
            (at(3, 1), at(3, 1)),
            (Cursor::default(), at(3, 1)),
        ] {
            log.keep_cursor("one of two", kept).await.unwrap();
            assert_eq!(log.cursor("one of two").await.unwrap(), stands, "{}: {kept:?}", db.engine);
        }
    }
}

#[tokio::test]
async fn without_readers_age_alone_counts_however_many_there_are() {
    for db in databases(&[]).await {
        let log = Outbox::new(db.database.clone());
        write(&db.database, 0..2_500, Timestamp::from_millis(1_000)).await;
        write(&db.database, 2_500..2_501, Timestamp::from_millis(2_000)).await;
        assert_eq!(log.trim(Timestamp::from_millis(2_000)).await.unwrap(), 2_500, "{}", db.engine);
        assert_eq!(keys(&log, 1).await, [2_500], "{}", db.engine);
    }
}

/// The keys of all facts behind `cursor`, which moves on.
async fn follow(log: &Outbox, cursor: &mut Cursor, seen: &mut Vec<i64>) {
    for fact in log.read(*cursor, 100).await.unwrap() {
        seen.push(fact.key.parse().unwrap());
        *cursor = fact.cursor;
    }
}

const MARK: &str = "INSERT INTO outbox_cursors (reader, tx, id) VALUES ('a mark', 0, 0)";

/// Two transactions, of which the one that wrote later commits first. SQLite lets no two of them write at a time.
#[tokio::test]
async fn a_reader_passes_no_transaction_that_is_still_open() {
    for db in databases(&[]).await.into_iter().filter(|db| db.engine == "postgres") {
        for emits_at_last in [false, true] {
            let at = Timestamp::from_millis(1_000);
            let log = Outbox::new(db.database.clone());
            let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
            write(&db.database, 0..1, at).await;
            let (mut earlier, mut later) = (db.database.write().await.unwrap(), db.database.write().await.unwrap());
            if emits_at_last {
                sqlx::query(MARK).execute(earlier.conn()).await.unwrap();
            } else {
                earlier.emit(&Happened(1), at).await.unwrap();
            }
            later.emit(&Happened(2), at).await.unwrap();
            later.commit().await.unwrap();
            follow(&log, &mut cursor, &mut seen).await;
            assert!(!seen.contains(&2), "{seen:?}: the earlier transaction is still open");
            if emits_at_last {
                earlier.emit(&Happened(1), at).await.unwrap();
            }
            earlier.commit().await.unwrap();
            let read = async {
                while seen.len() < 3 {
                    follow(&log, &mut cursor, &mut seen).await;
                    log.wait(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), read).await.expect("all facts are read");
            assert_eq!(seen, [0, 1, 2]);
            log.trim(Timestamp::from_millis(2_000)).await.unwrap();
        }
    }
}

/// What a dump brings along that is restored on a server which has counted less far.
#[tokio::test]
async fn places_of_another_server_become_the_oldest() {
    for db in databases(&[]).await {
        let at = Timestamp::from_millis(1_000);
        let log = Outbox::new(db.database.clone());
        write(&db.database, 1..3, at).await;
        write(&db.database, 3..5, at).await;
        let facts = behind(&log, Cursor::default(), 4).await;
        log.keep_cursor("slow", facts[1].cursor).await.unwrap();
        log.keep_cursor("fast", facts[3].cursor).await.unwrap();
        if db.engine == "postgres" {
            let mut tx = db.database.write().await.unwrap();
            for table in ["outbox", "outbox_cursors"] {
                let text = sqlx::AssertSqlSafe(format!("UPDATE {table} SET tx = tx + 1000000000000"));
                sqlx::query(text).execute(tx.conn()).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        for _start in 0..2 {
            log.adopt_places().await.unwrap();
        }
        write(&db.database, 5..6, at).await;
        for (reader, expected) in [("slow", vec!["3", "4", "5"]), ("fast", vec!["5"])] {
            let left = behind(&log, log.cursor(reader).await.unwrap(), expected.len()).await;
            assert!(left.iter().map(|fact| fact.key.as_str()).eq(expected), "{} {reader}: {left:?}", db.engine);
        }
        assert_eq!(keys(&log, 5).await, [1, 2, 3, 4, 5], "{}", db.engine);
    }
}
