//! The room log on Cassandra: its promise, buckets, hints that came to nothing, and the loss of the server.
//! `MADANG_TEST_CASSANDRA` names a server; the test command starts one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod buckets;
mod hints;
mod outage;
mod promise;

use std::sync::Arc;

use bytes::Bytes;
use engines::cassandra::CassandraRoomLog;
use kernel::Timestamp;
use ports::room_log::{Appended, Entry, Redaction, RoomLog};

/// Opens the log at this address, as a process would.
async fn open(address: &str) -> Arc<dyn RoomLog> {
    Arc::new(CassandraRoomLog::connect(&address.parse().unwrap()).await.unwrap())
}

fn entry(text: &str) -> Entry {
    let data = Bytes::from(format!("{text:?}"));
    Entry { keys: vec![], at: Timestamp::from_millis(1_000), data, redacts: None, about: None }
}

fn keyed(text: &str, key: &str) -> Entry {
    Entry { keys: vec![key.to_owned()], ..entry(text) }
}

fn redacting(text: &str, offset: u64, replacement: &str) -> Entry {
    let replacement = Bytes::from(format!("{replacement:?}"));
    Entry { redacts: Some(Redaction { offset, replacement }), ..entry(text) }
}

/// Appends where the log stands, which must succeed.
async fn append(log: &dyn RoomLog, room: &str, group: Vec<Entry>) {
    let head = log.head(room).await.unwrap();
    assert_eq!(log.append(room, &head.epoch, head.next, group).await.unwrap(), Appended::Ok);
}

/// The texts from `from` on, whose offsets must count up without a hole.
async fn texts(log: &dyn RoomLog, room: &str, from: u64) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let next = from + texts.len() as u64;
        let page = log.read(room, next, 700).await.unwrap();
        if page.is_empty() {
            return texts;
        }
        for (record, offset) in page.iter().zip(next..) {
            assert_eq!(record.offset, offset, "a hole or a double");
            texts.push(serde_json::from_slice(&record.data).unwrap());
        }
    }
}
