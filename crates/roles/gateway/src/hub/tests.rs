//! Redactions that meet a read of the log which is under way.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Timestamp;
use ports::{
    bus::{Position, Publication},
    room_log::{Appended, Entry, Head, Record, Redaction, RoomLog, RoomLogError},
};
use tokio::sync::Semaphore;

use super::{
    Channel, LogReader, Missed,
    ring::{Bursts, Limits},
};
use crate::needs::Room;

/// A log nobody asks.
struct Nothing;

#[async_trait]
impl RoomLog for Nothing {
    async fn head(&self, _: &str) -> Result<Head, RoomLogError> {
        Err(RoomLogError::Engine("nothing".into()))
    }
    async fn append(&self, _: &str, _: &str, _: u64, _: Vec<Entry>) -> Result<Appended, RoomLogError> {
        Err(RoomLogError::Engine("nothing".into()))
    }
    async fn read(&self, _: &str, _: u64, _: usize) -> Result<Vec<Record>, RoomLogError> {
        Err(RoomLogError::Engine("nothing".into()))
    }
    async fn offsets_of(&self, _: &str, _: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        Err(RoomLogError::Engine("nothing".into()))
    }
}

fn record(offset: u64, data: &'static str) -> Record {
    Record { offset, at: Timestamp::from_millis(0), data: Bytes::from_static(data.as_bytes()), about: None }
}

fn publication(offset: u64, redacts: Option<u64>) -> Publication {
    let redacts = redacts.map(|offset| Redaction { offset, replacement: Bytes::from_static(b"0") });
    let position = Some(Position { offset, epoch: "e".into() });
    Publication { position, data: Bytes::from_static(b"1"), redacts, about: None }
}

fn channel() -> Channel {
    let room = Room::new(Arc::new(Nothing), "room:1");
    let log = LogReader::new(room, Arc::new(Semaphore::new(1)));
    Channel::new(
        "room:1",
        Some(log),
        Limits { publications: 100, bytes: 1 << 20, burst_bytes: 0, bursts: Bursts::new(0) },
    )
}

fn head(next: u64) -> Head {
    Head { epoch: "e".into(), next }
}

#[test]
fn a_redaction_while_the_channel_opens_keeps_what_was_read_out_of_it() {
    let channel = channel();
    let past = channel.past_changes();
    let read = [record(1, "7"), record(2, "8")];
    channel.take(&[publication(3, Some(1))]);
    channel.open(&head(3), 1, &read, past);
    assert!(matches!(channel.missed(1), Missed::MoreThanKept));
    assert_eq!((channel.next(), channel.gap()), (3, Some(3)));
}

#[test]
fn a_redaction_while_a_gap_is_read_keeps_what_was_read_out_of_it() {
    let channel = channel();
    channel.open(&head(1), 1, &[], channel.past_changes());
    channel.take(&[publication(2, None)]);
    let (gap, past) = (channel.gap(), channel.past_changes());
    assert_eq!(gap, Some(1));
    channel.take(&[publication(3, Some(1))]);
    channel.repair(&[record(1, "7"), record(2, "8")], past);
    assert_eq!(channel.gap(), Some(1), "it is read again");
    channel.repair(&[record(1, "0"), record(2, "8"), record(3, "1")], channel.past_changes());
    let Missed::These(pushes) = channel.missed(1) else { panic!() };
    assert_eq!((pushes.len(), &pushes[0].data()[..]), (3, b"0".as_slice()));
}
