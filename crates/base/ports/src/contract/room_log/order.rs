//! Offsets, pages and conflicts.

use super::entries::{append, entry, texts};
use crate::room_log::{Appended, Head, RoomLog};

pub(super) async fn offsets_are_contiguous_and_pages_begin_anywhere(log: &dyn RoomLog) {
    let room = "order:pages";
    assert_eq!(log.read(room, 1, 10).await.unwrap(), vec![], "a room nobody has begun reads as empty");
    let begun = log.head(room).await.unwrap();
    assert_eq!(begun.next, 1);
    assert_eq!(log.head(room).await.unwrap(), begun, "asking again changes nothing");

    let mut expected = Vec::new();
    for group in [1_usize, 5, 1, 200, 3] {
        let entries: Vec<_> = (0..group).map(|place| entry(&format!("{group}/{place} 한글 \u{1f600}"))).collect();
        expected.extend((0..group).map(|place| format!("{group}/{place} 한글 \u{1f600}")));
        append(log, room, entries).await;
    }
    assert_eq!(log.head(room).await.unwrap(), Head { epoch: begun.epoch, next: expected.len() as u64 + 1 });
    assert_eq!(texts(log, room).await, expected);

    for from in 0..=expected.len() as u64 + 2 {
        for limit in [0, 1, 2, 7, 1_000] {
            let page = log.read(room, from, limit).await.unwrap();
            let offsets: Vec<u64> = page.iter().map(|record| record.offset).collect();
            let last = (from.max(1) + limit as u64).min(expected.len() as u64 + 1);
            assert_eq!(offsets, (from.max(1)..last).collect::<Vec<_>>(), "a page of {limit} from {from}");
        }
    }
}

pub(super) async fn an_append_elsewhere_conflicts_and_keeps_nothing(log: &dyn RoomLog) {
    let room = "order:conflict";
    let epoch = log.head(room).await.unwrap().epoch;
    append(log, room, vec![entry("a"), entry("b")]).await;
    for expected in [1, 2, 4, 1_000] {
        let answer = log.append(room, &epoch, expected, vec![entry("lost")]).await.unwrap();
        assert_eq!(answer, Appended::Conflict { next: 3 }, "expecting {expected}");
    }
    let answer = log.append(room, "another epoch", 3, vec![entry("lost")]).await.unwrap();
    assert_eq!(answer, Appended::Conflict { next: 3 }, "of another epoch");
    let answer = log.append("order:never begun", &epoch, 1, vec![entry("lost")]).await.unwrap();
    assert_eq!(answer, Appended::Conflict { next: 1 }, "in a room nobody has begun");
    assert_eq!(texts(log, room).await, ["a", "b"]);
    assert_eq!(log.append(room, &epoch, 3, vec![entry("c")]).await.unwrap(), Appended::Ok);
    assert_eq!(texts(log, room).await, ["a", "b", "c"]);
}

pub(super) async fn rooms_do_not_know_each_other(log: &dyn RoomLog) {
    append(log, "order:one", vec![entry("one")]).await;
    append(log, "order:two", vec![entry("two"), entry("three")]).await;
    assert_eq!(texts(log, "order:one").await, ["one"]);
    assert_eq!(texts(log, "order:two").await, ["two", "three"]);
    assert_ne!(log.head("order:one").await.unwrap().epoch, log.head("order:two").await.unwrap().epoch);
}
