//! The server stands still, is killed and comes back under writers: what was acknowledged is there once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use engines::testing::CassandraProcess;
use ports::room_log::{Appended, RoomLog};

use crate::{keyed, open, texts};

const WRITERS: usize = 4;
/// How long anything that is awaited may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    failed: AtomicUsize,
    enough: AtomicBool,
}

impl Progress {
    async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) -> Duration {
        let begun = Instant::now();
        while !reached(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {} acknowledged", self.acknowledged.load(Ordering::SeqCst));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }

    async fn goes_on(&self, what: &str) -> Duration {
        let before = self.acknowledged.load(Ordering::SeqCst);
        self.until(what, |progress| progress.acknowledged.load(Ordering::SeqCst) >= before + 20).await
    }

    async fn fails(&self, what: &str) -> Duration {
        let before = self.failed.load(Ordering::SeqCst);
        self.until(what, |progress| progress.failed.load(Ordering::SeqCst) >= before + 2 * WRITERS).await
    }
}

/// Writes one text after the other, each until it is known to be there, as a sequencer does. Two writers share a room.
async fn write(log: Arc<dyn RoomLog>, writer: usize, progress: Arc<Progress>) -> Vec<String> {
    let room = format!("outage:{}", writer / 2);
    let mut acknowledged = Vec::new();
    let mut head = None;
    while !progress.enough.load(Ordering::SeqCst) {
        let text = format!("{writer}/{:05}", acknowledged.len());
        loop {
            let at = match head.take() {
                Some(head) => Ok(head),
                None => log.head(&room).await,
            };
            let answer = match at {
                Ok(at) => log.append(&room, &at.epoch, at.next, vec![keyed(&text, &text)]).await.map(|told| (at, told)),
                Err(error) => Err(error),
            };
            match answer {
                Ok((mut at, Appended::Ok)) => {
                    at.next += 1;
                    break head = Some(at);
                }
                Ok((mut at, Appended::Conflict { next })) => {
                    at.next = next;
                    head = Some(at);
                }
                Ok((at, Appended::Known { .. })) => break head = Some(at),
                Err(_) => {
                    progress.failed.fetch_add(1, Ordering::SeqCst);
                    // As a sequencer: what cannot even be asked fails at once.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        acknowledged.push(text);
        progress.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_killed_and_comes_back_loses_and_doubles_nothing() {
    let Some(server) = CassandraProcess::start("outage") else { return };
    let address = server.keyspace();
    let progress = Arc::new(Progress::default());
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let log = open(&address).await;
        writers.push(tokio::spawn(write(log, writer, progress.clone())));
    }
    progress.goes_on("messages are kept").await;

    server.hang();
    progress.fails("a server that stands still is told").await;
    server.wake();
    let awake = progress.goes_on("messages are kept again").await;

    server.crash();
    progress.fails("a server that is gone is told").await;
    let begun = Instant::now();
    server.resume();
    let (resumed, recovered) = (begun.elapsed(), progress.goes_on("messages are kept by the new process").await);
    println!("20 messages after it woke: {awake:?}; after it was started ({resumed:?}): {recovered:?}");

    progress.enough.store(true, Ordering::SeqCst);
    let reader = open(&address).await;
    let mut kept = Vec::new();
    for room in 0..WRITERS / 2 {
        kept.push(texts(&*reader, &format!("outage:{room}"), 1).await);
    }
    // What was still under way when the rooms were read is not counted.
    for (writer, acknowledged) in writers.into_iter().enumerate() {
        let acknowledged = acknowledged.await.unwrap();
        let room = texts(&*reader, &format!("outage:{}", writer / 2), 1).await;
        let own: Vec<&String> = room.iter().filter(|text| text.starts_with(&format!("{writer}/"))).collect();
        for (place, text) in acknowledged.iter().enumerate() {
            let there = own.get(place);
            assert_eq!(
                there,
                Some(&text),
                "of {}: lost, twice or in another order, in a room of {}",
                own.len(),
                room.len()
            );
        }
        assert_eq!(own.len(), acknowledged.len(), "kept and never acknowledged");
        assert!(room.starts_with(&kept[writer / 2]), "what was read once stays");
    }
}
