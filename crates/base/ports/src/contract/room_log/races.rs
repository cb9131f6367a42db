//! Writers and readers at the same time, in several processes' worth of opened logs.

use std::collections::HashMap;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::task::JoinSet;

use super::Store;
use super::entries::{all, entry, keyed, texts};
use crate::room_log::{Appended, RoomLog};

const WRITERS: u64 = 8;
const GROUPS_EACH: u32 = 25;

/// Every writer guesses where the log stands, often wrongly, and appends numbered groups until all were kept.
pub(super) async fn many_writers_lose_nothing_double_nothing_and_keep_order(store: &dyn Store) {
    let room = "races:writers";
    let logs = [store.open().await, store.open().await];
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = logs[writer as usize % logs.len()].clone();
        writers.spawn(async move { write(&*log, room, writer).await });
    }
    let mut kept: HashMap<u64, String> = HashMap::new();
    while let Some(places) = writers.join_next().await {
        for (offset, text) in places.unwrap() {
            assert_eq!(kept.insert(offset, text), None, "two writers were told that they have offset {offset}");
        }
    }
    let texts = texts(&*logs[0], room).await;
    assert_eq!(texts.len(), kept.len(), "what is there and what was acknowledged differ");
    for (text, offset) in texts.iter().zip(1..) {
        assert_eq!(kept.get(&offset), Some(text), "another entry than the acknowledged one stands at {offset}");
    }
    for writer in 0..WRITERS {
        let own: Vec<&String> = texts.iter().filter(|text| text.starts_with(&format!("{writer}/"))).collect();
        assert!(own.is_sorted(), "the groups of writer {writer} changed places");
    }
}

async fn write(log: &dyn RoomLog, room: &str, writer: u64) -> Vec<(u64, String)> {
    let epoch = log.head(room).await.unwrap().epoch;
    let mut random = writer.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut kept = Vec::new();
    let mut guess = 1;
    for group in 0..GROUPS_EACH {
        let texts: Vec<String> = (0..=random % 3).map(|part| format!("{writer}/{group:04}/{part}")).collect();
        loop {
            // Xorshift: every fourth guess is off the mark by up to two.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let off = if random.is_multiple_of(4) { random >> 8 } else { 2 };
            let expected = (guess + off % 5).saturating_sub(2).max(1);
            let entries = texts.iter().map(|text| entry(text)).collect();
            match log.append(room, &epoch, expected, entries).await.unwrap() {
                Appended::Ok => {
                    kept.extend((expected..).zip(texts.iter().cloned()));
                    guess = expected + texts.len() as u64;
                    break;
                }
                Appended::Conflict { next } => guess = next,
                Appended::Known { .. } => panic!("an entry without keys was known"),
            }
        }
    }
    kept
}

/// Ten clients resend the same thing through two logs: one copy stands, and everyone learns where.
pub(super) async fn a_resend_in_a_race_is_kept_once(store: &dyn Store) {
    let room = "races:resend";
    let logs = [store.open().await, store.open().await];
    let copies = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for client in 0..10 {
        let (log, copies) = (logs[client % logs.len()].clone(), copies.clone());
        clients.spawn(async move {
            let head = log.head(room).await.unwrap();
            let mut next = head.next;
            loop {
                let group = vec![entry("before"), keyed("once", &["the client's own id"])];
                match log.append(room, &head.epoch, next, group).await.unwrap() {
                    Appended::Ok => {
                        copies.fetch_add(1, Ordering::SeqCst);
                        return next + 1;
                    }
                    Appended::Conflict { next: stands_at } => next = stands_at,
                    Appended::Known { offset, .. } => return offset,
                }
            }
        });
    }
    let places: Vec<u64> = clients.join_all().await;
    assert!(places.iter().all(|place| *place == 2), "clients were told different places: {places:?}");
    assert_eq!(copies.load(Ordering::SeqCst), 1, "more than one resend was told that it was kept");
    assert_eq!(texts(&*logs[0], room).await, ["before", "once"]);
}

/// A reader beside the writer never sees a part of a group.
pub(super) async fn readers_see_whole_groups_only(store: &dyn Store) {
    const GROUP: usize = 5;
    const GROUPS: u64 = 60;
    let room = "races:readers";
    let (writing, reading) = (store.open().await, store.open().await);
    let epoch = writing.head(room).await.unwrap().epoch;
    let writer = tokio::spawn(async move {
        for group in 0..GROUPS {
            let entries = (0..GROUP).map(|part| entry(&format!("{group}/{part}"))).collect();
            let answer = writing.append(room, &epoch, group * GROUP as u64 + 1, entries).await.unwrap();
            assert_eq!(answer, Appended::Ok);
        }
    });
    loop {
        let finished = writer.is_finished();
        let seen = all(&*reading, room).await.len();
        assert!(seen.is_multiple_of(GROUP), "a reader saw {seen} entries of groups of {GROUP}");
        if finished {
            assert_eq!(seen, GROUPS as usize * GROUP);
            return writer.await.unwrap();
        }
    }
}

pub(super) async fn two_that_begin_a_room_agree_on_its_epoch(store: &dyn Store) {
    let logs = [store.open().await, store.open().await];
    let mut heads = JoinSet::new();
    for number in 0..20 {
        let log = logs[number % logs.len()].clone();
        heads.spawn(async move { log.head("races:begin").await.unwrap() });
    }
    let heads = heads.join_all().await;
    assert!(heads.iter().all(|head| *head == heads[0] && head.next == 1), "{heads:?}");
}
