//! Rooms that are longer than one partition.

use engines::testing::cassandra_keyspace;
use ports::room_log::{Appended, Entry, RoomLog};
use tokio::task::JoinSet;

use crate::{append, entry, keyed, open, redacting, texts};

/// Offsets of one bucket.
const BUCKET: u64 = 8_192;

fn numbered(from: u64, count: u64) -> Vec<Entry> {
    (from..from + count).map(|number| entry(&number.to_string())).collect()
}

/// Fills the room up to the offset before `next`.
async fn fill(log: &dyn RoomLog, room: &str, next: u64) {
    let head = log.head(room).await.unwrap();
    let mut at = head.next;
    while at < next {
        let count = (next - at).min(1_000);
        assert_eq!(log.append(room, &head.epoch, at, numbered(at, count)).await.unwrap(), Appended::Ok);
        at += count;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_goes_on_over_the_end_of_a_bucket() {
    let Some(address) = cassandra_keyspace() else { return };
    let log = open(&address).await;
    append(&*log, "long", vec![keyed("1", "the first")]).await;
    fill(&*log, "long", BUCKET - 10).await;
    // A group that reaches over the end stands in the bucket where it begins.
    fill(&*log, "long", BUCKET + 700).await;
    let head = log.head("long").await.unwrap();
    assert_eq!(head.next, BUCKET + 700);
    assert_eq!(open(&address).await.head("long").await.unwrap(), head, "before the next bucket is begun");

    let again = log.append("long", &head.epoch, head.next, vec![keyed("x", "the first")]).await.unwrap();
    assert_eq!(again, Appended::Known { key: "the first".into(), offset: 1 }, "a key of another bucket");
    for wrong in [BUCKET - 10, BUCKET + 1, head.next + 1, 3 * BUCKET] {
        let answer = log.append("long", &head.epoch, wrong, vec![entry("lost")]).await.unwrap();
        assert_eq!(answer, Appended::Conflict { next: head.next }, "expecting {wrong}");
    }
    append(&*log, "long", vec![redacting("gone", 2, "tombstone")]).await;
    fill(&*log, "long", 2 * BUCKET + 5).await;

    let other = open(&address).await;
    assert_eq!(other.head("long").await.unwrap().next, 2 * BUCKET + 5);
    assert_eq!(other.offsets_of("long", &["the first".to_owned()]).await.unwrap(), [Some(1)]);
    let mut expected: Vec<String> = (1..2 * BUCKET + 5).map(|number| number.to_string()).collect();
    expected[1] = "tombstone".into();
    expected[(BUCKET + 700) as usize - 1] = "gone".into();
    assert!(texts(&*other, "long", 1).await == expected, "the texts differ");
    for from in (BUCKET - 12..BUCKET + 3).chain([BUCKET + 699, BUCKET + 700, 2 * BUCKET, 2 * BUCKET + 4]) {
        for limit in [1, 7, 1_000] {
            let page = other.read("long", from, limit).await.unwrap();
            let offsets: Vec<u64> = page.iter().map(|record| record.offset).collect();
            let end = (from + limit as u64).min(2 * BUCKET + 5);
            assert_eq!(offsets, (from..end).collect::<Vec<_>>(), "{limit} from {from}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_at_once_take_turns_over_the_end_of_a_bucket() {
    const EACH: u64 = 40;
    let Some(address) = cassandra_keyspace() else { return };
    let logs = [open(&address).await, open(&address).await];
    fill(&*logs[0], "race", BUCKET - EACH).await;
    let mut writers = JoinSet::new();
    for (log, name) in logs.iter().cloned().zip(["a", "b"]) {
        writers.spawn(async move {
            let head = log.head("race").await.unwrap();
            let mut next = head.next;
            for number in 0..EACH {
                let text = format!("{name}{number}");
                // As a sequencer: what was not answered is looked up before it is tried again.
                loop {
                    match log.append("race", &head.epoch, next, vec![keyed(&text, &text)]).await {
                        Ok(Appended::Ok) => break next += 1,
                        Ok(Appended::Conflict { next: stands_at }) => next = stands_at,
                        Ok(Appended::Known { key, .. }) => break assert_eq!(key, text),
                        Err(_) => next = log.head("race").await.unwrap().next,
                    }
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let kept = texts(&*logs[1], "race", BUCKET - EACH).await;
    for name in ["a", "b"] {
        let own: Vec<&String> = kept.iter().filter(|text| text.starts_with(name)).collect();
        let expected: Vec<String> = (0..EACH).map(|number| format!("{name}{number}")).collect();
        assert!(own.into_iter().eq(&expected), "lost, twice or in another order: {kept:?}");
    }
    assert_eq!(kept.len() as u64, 2 * EACH);
}
