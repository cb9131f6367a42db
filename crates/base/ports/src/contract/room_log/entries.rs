//! Entries to append, and shortcuts for what the suite does all the time.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Timestamp;

use crate::about::{About, ClientInfo};
use crate::room_log::{Appended, Entry, READ_MAX, Record, Redaction, RoomLog};

/// An entry without keys.
pub(super) fn entry(text: &str) -> Entry {
    Entry { keys: vec![], at: Timestamp::from_millis(1_000), data: json(text), redacts: None, about: None }
}

/// An entry with these keys.
pub(super) fn keyed(text: &str, keys: &[&str]) -> Entry {
    Entry { keys: keys.iter().map(|key| (*key).to_owned()).collect(), ..entry(text) }
}

/// An entry of which more is told.
pub(super) fn told(text: &str, user: &str) -> Entry {
    let info = ClientInfo { user: user.into(), client: "c".into(), conn_info: Some(json(text)), chan_info: None };
    let about = About { info: Some(Arc::new(info)), tags: vec![("kind".into(), text.into())] };
    Entry { about: Some(Arc::new(about)), ..entry(text) }
}

/// An entry that replaces the one at `offset`.
pub(super) fn redacting(text: &str, offset: u64, replacement: &str) -> Entry {
    Entry { redacts: Some(Redaction { offset, replacement: json(replacement) }), ..entry(text) }
}

/// A JSON string.
pub(super) fn json(text: &str) -> Bytes {
    serde_json::to_vec(text).unwrap().into()
}

/// Appends where the log stands, which must succeed; the offset of the first.
pub(super) async fn append(log: &dyn RoomLog, room: &str, group: Vec<Entry>) -> u64 {
    let head = log.head(room).await.unwrap();
    assert_eq!(log.append(room, &head.epoch, head.next, group).await.unwrap(), Appended::Ok);
    head.next
}

/// All records of a room, read page by page.
pub(super) async fn all(log: &dyn RoomLog, room: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let page = log.read(room, records.len() as u64 + 1, READ_MAX).await.unwrap();
        let last = page.len() < READ_MAX;
        records.extend(page);
        if last {
            return records;
        }
    }
}

/// The texts of all records of a room, whose offsets must count up from 1.
pub(super) async fn texts(log: &dyn RoomLog, room: &str) -> Vec<String> {
    let records = all(log, room).await;
    for (record, offset) in records.iter().zip(1..) {
        assert_eq!(record.offset, offset, "the offsets of {room} have a hole or a double");
    }
    records.iter().map(|record| serde_json::from_slice(&record.data).unwrap()).collect()
}
