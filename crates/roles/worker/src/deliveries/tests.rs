//! Deliveries over a broker of the test's own.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{Clock, Timestamp};
use ports::{
    broker::Sent,
    event_log::{Cursor, Fact},
    work::WorkError,
};
use tokio::{sync::watch, time::Instant};

use super::*;

/// Topics in memory; a group reads each from its beginning.
#[derive(Clone)]
struct Post {
    topics: Arc<Mutex<HashMap<String, Vec<Letter>>>>,
    told: watch::Sender<()>,
    is_away: Arc<Mutex<bool>>,
}

impl Post {
    fn new() -> Self {
        Self { topics: Arc::default(), told: watch::channel(()).0, is_away: Arc::default() }
    }

    fn letters(&self, topic: &str) -> Vec<Letter> {
        self.topics.lock().unwrap().get(topic).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Broker for Post {
    async fn send(&self, letters: &[(String, Letter)]) -> Sent {
        if *self.is_away.lock().unwrap() {
            return Sent { kept: 0, trouble: Some(BrokerError("away".into())) };
        }
        for (topic, letter) in letters {
            self.topics.lock().unwrap().entry(topic.clone()).or_default().push(letter.clone());
        }
        self.told.send_replace(());
        Sent { kept: letters.len(), trouble: None }
    }

    async fn join(&self, _: &str, topics: &[String]) -> Result<Box<dyn Member>, BrokerError> {
        Ok(Box::new(Reader {
            post: self.clone(),
            topics: topics.to_vec(),
            read: HashMap::new(),
            told: self.told.subscribe(),
        }))
    }

    async fn look(&self, topic: &str, _: usize) -> Result<Vec<Letter>, BrokerError> {
        Ok(self.letters(topic))
    }

    async fn missing(&self, _: &[String]) -> Result<Vec<String>, BrokerError> {
        Ok(Vec::new())
    }

    async fn make(&self, _: &[String], _: u16) -> Result<(), BrokerError> {
        Ok(())
    }
}

struct Reader {
    post: Post,
    topics: Vec<String>,
    read: HashMap<String, usize>,
    told: watch::Receiver<()>,
}

#[async_trait]
impl Member for Reader {
    async fn next(&mut self) -> Result<Letter, BrokerError> {
        loop {
            for topic in &self.topics {
                let read = self.read.entry(topic.clone()).or_default();
                if let Some(letter) = self.post.letters(topic).get(*read) {
                    *read += 1;
                    return Ok(letter.clone());
                }
            }
            let _ = self.told.changed().await;
        }
    }

    fn done(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }

    fn waiting(&self) -> u64 {
        0
    }

    async fn leave(self: Box<Self>) {}
}

/// The time of the runtime, which the test lets pass.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_780_000_000_000 + self.0.elapsed().as_millis() as i64)
    }
}

/// Fails the first so many times at the fact `1`.
struct Stumbles {
    times: u32,
    failures: AtomicU32,
    seen: Mutex<Vec<i64>>,
}

#[async_trait]
impl Reaction for Stumbles {
    fn name(&self) -> &'static str {
        "stumbles"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["live.happened", "chat.happened"]
    }

    async fn react(&self, fact: &Fact) -> Result<(), WorkError> {
        if fact.cursor.id == 1 && self.failures.fetch_add(1, Ordering::SeqCst) < self.times {
            return Err("not yet".into());
        }
        self.seen.lock().unwrap().push(fact.cursor.id);
        Ok(())
    }
}

fn letter(kind: &str, id: i64) -> (String, Letter) {
    let (cursor, at) = (Cursor { transaction: 0, id }, Timestamp::from_millis(1_780_000_000_000));
    let fact = Fact { cursor, kind: kind.into(), key: "k".into(), payload: "{}".into(), at };
    (topics::of_kind(kind).to_owned(), Letter::new(fact))
}

struct Running {
    post: Post,
    reaction: Arc<Stumbles>,
    cancel: CancellationToken,
    work: tokio::task::JoinSet<()>,
}

impl Running {
    fn start(times: u32) -> Self {
        let (post, cancel) = (Post::new(), CancellationToken::new());
        let reaction = Arc::new(Stumbles { times, failures: AtomicU32::new(0), seen: Mutex::default() });
        let delay = Delay(Arc::new(RuntimeClock(Instant::now())));
        let deliveries =
            Deliveries { broker: Arc::new(post.clone()), reaction: reaction.clone(), delay, cancel: cancel.clone() };
        let mut work = tokio::task::JoinSet::new();
        work.spawn(deliveries.clone().first_time());
        work.spawn(deliveries.again());
        Self { post, reaction, cancel, work }
    }

    fn seen(&self) -> Vec<i64> {
        self.reaction.seen.lock().unwrap().clone()
    }

    async fn until_seen(&self, ids: &[i64]) {
        while self.seen() != ids {
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(self) {
        self.cancel.cancel();
        self.work.join_all().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_failure_keeps_the_order() {
    let running = Running::start(2);
    running.post.send(&[letter("live.happened", 1), letter("live.else", 5), letter("live.happened", 2)]).await;
    running.until_seen(&[1, 2]).await;
    assert!(running.post.letters("stumbles.retry").is_empty());
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_longer_is_put_aside_and_comes_again_when_it_is_due() {
    let running = Running::start(7);
    running.post.send(&[letter("live.happened", 1), letter("chat.happened", 2), letter("live.happened", 3)]).await;
    let begun = Instant::now();
    while running.seen().len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "it holds up nobody");
    while running.seen().len() < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(running.seen().last(), Some(&1));
    assert!(begun.elapsed() > Duration::from_secs(2 + 4), "{:?}", begun.elapsed());
    let aside: Vec<(u32, String)> =
        running.post.letters("stumbles.retry").into_iter().map(|letter| (letter.attempts, letter.trouble)).collect();
    assert_eq!(aside.iter().map(|(attempts, _)| *attempts).collect::<Vec<_>>(), [1, 2]);
    assert!(aside.iter().all(|(_, trouble)| trouble == "live.happened k: not yet"), "{aside:?}");
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_never_succeeds_is_a_dead_letter_after_half_an_hour_and_is_tried_again_when_somebody_says_so() {
    let running = Running::start(3 * (ATTEMPTS_MAX + 1));
    running.post.send(&[letter("live.happened", 1)]).await;
    let begun = Instant::now();
    while running.post.letters("stumbles.dead").is_empty() {
        sleep(Duration::from_secs(1)).await;
    }
    let after = begun.elapsed();
    assert!((Duration::from_secs(25 * 60)..Duration::from_secs(35 * 60)).contains(&after), "{after:?}");
    assert!(running.seen().is_empty());
    assert_eq!(running.post.letters("stumbles.dead")[0].attempts, ATTEMPTS_MAX + 1);
    assert_eq!(replay(&running.post, "stumbles").await.unwrap(), 1);
    running.until_seen(&[1]).await;
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_cannot_be_put_aside_is_not_passed_by() {
    let running = Running::start(3);
    *running.post.is_away.lock().unwrap() = true;
    running
        .post
        .topics
        .lock()
        .unwrap()
        .insert("live".into(), vec![letter("live.happened", 1).1, letter("live.happened", 2).1]);
    running.post.told.send_replace(());
    sleep(Duration::from_secs(60)).await;
    assert!(running.seen().is_empty(), "the second one waits behind it: {:?}", running.seen());
    *running.post.is_away.lock().unwrap() = false;
    running.until_seen(&[2, 1]).await;
    running.end().await;
}
