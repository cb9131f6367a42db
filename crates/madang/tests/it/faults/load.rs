//! People who write and tap as fast as they are answered, each thing again and again until it is taken, and what they were told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use madang::client::{ApiClient, CallError};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{patience, people, reckoning::Reckoning};
use crate::{
    parts::Process,
    site::{id, until},
};

/// Every so many messages are said, and taps are sent, twice: so does who has not heard the answer.
const AGAIN_EVERY: usize = 5;

/// Where the processes of a role that may be replaced are found.
#[derive(Default)]
pub(super) struct Front(Mutex<Vec<ApiClient>>);

impl Front {
    pub(super) fn set(&self, place: usize, process: &Process) {
        let mut processes = self.0.lock().unwrap();
        match processes.get_mut(place) {
            Some(other) => *other = process.api.clone(),
            None => processes.push(process.api.clone()),
        }
    }

    /// Posts to one after the other until one takes it; what a process has refused for good is an error of the test.
    async fn post(&self, first: usize, path: &str, token: Option<&str>, body: &Value) -> Value {
        let begun = Instant::now();
        for turn in first.. {
            let api = {
                let processes = self.0.lock().unwrap();
                processes[turn % processes.len()].clone()
            };
            match api.post(path, token, body).await {
                Ok(answer) => return answer,
                Err(CallError::Status { status, body, .. }) if status < 500 && status != 429 => {
                    panic!("{status} {body}")
                }
                Err(error) => assert!(begun.elapsed() < patience(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("there is always a next turn")
    }
}

/// Everybody at work.
pub(super) struct Load {
    pub(super) apis: Arc<Front>,
    pub(super) bursts: Arc<Front>,
    broadcast: Value,
    stop: Arc<AtomicBool>,
    answered: Vec<Arc<AtomicU64>>,
    writers: JoinSet<Vec<String>>,
    tappers: JoinSet<u64>,
}

impl Load {
    /// Lets them begin, spread over these processes.
    pub(super) async fn begin(apis: &[Process], bursts: &[Process], broadcast: &Value) -> Self {
        let mut load = Self {
            apis: Arc::default(),
            bursts: Arc::default(),
            broadcast: broadcast.clone(),
            stop: Arc::default(),
            answered: Vec::new(),
            writers: JoinSet::new(),
            tappers: JoinSet::new(),
        };
        apis.iter().enumerate().for_each(|(place, api)| load.apis.set(place, api));
        bursts.iter().enumerate().for_each(|(place, burst)| load.bursts.set(place, burst));
        for number in 0..people() {
            let token = apis[number % apis.len()].person(&format!("person{number}")).await;
            let wanted = json!({ "broadcast": id(broadcast) });
            let burst = &bursts[number % bursts.len()].api;
            let session = burst.post("/api/v1/playbacks", Some(&token), &wanted).await.unwrap()["session"].clone();
            let (writes, taps) = (load.of_one(), load.of_one());
            load.writers.spawn(write(load.apis.clone(), messages(broadcast), token, number, writes));
            load.tappers.spawn(tap(load.bursts.clone(), session, taps));
        }
        load
    }

    fn of_one(&mut self) -> Answers {
        let answered = Arc::new(AtomicU64::new(0));
        self.answered.push(answered.clone());
        Answers { stop: self.stop.clone(), answered }
    }

    /// Waits until everybody has been answered so often from now on.
    pub(super) async fn answers(&self, times: u64) {
        let now = |one: &Arc<AtomicU64>| one.load(Ordering::Relaxed);
        let before: Vec<u64> = self.answered.iter().map(now).collect();
        let begun = Instant::now();
        while !self.answered.iter().zip(&before).all(|(one, before)| now(one) >= before + times) {
            assert!(begun.elapsed() < patience(), "waited in vain until everybody is answered");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How long it takes from now on, in seconds, until everybody has been answered.
    pub(super) async fn recovery(&self) -> f64 {
        let begun = Instant::now();
        self.answers(1).await;
        begun.elapsed().as_secs_f64()
    }

    /// Lets them end, and compares what they were told with what `api` knows.
    pub(super) async fn end(self, api: &Process) -> Reckoning {
        self.stop.store(true, Ordering::Relaxed);
        let mut taken: HashMap<String, i64> = HashMap::new();
        for text in self.writers.join_all().await.concat() {
            *taken.entry(text).or_default() += 1;
        }
        let hearts: u64 = self.tappers.join_all().await.iter().sum();
        let messages = taken.len();
        for text in room(api, &self.broadcast).await {
            *taken.entry(text).or_default() -= 1;
        }
        api.until(&self.broadcast, "hearts are kept as long as there are any to keep", |show| show["hearts"] == hearts)
            .await;
        let lost = taken.values().filter(|difference| **difference > 0).count();
        let doubled = taken.values().filter(|difference| **difference < 0).count();
        Reckoning { messages, lost, doubled, hearts }
    }
}

/// What one person is told.
struct Answers {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Answers {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn one_more(&self) -> u64 {
        self.answered.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn messages(broadcast: &Value) -> String {
    format!("/api/v1/broadcasts/{}/messages", id(broadcast))
}

/// Writes; what was acknowledged.
async fn write(front: Arc<Front>, path: String, token: String, name: usize, answers: Answers) -> Vec<String> {
    let mut said = Vec::new();
    while answers.goes_on() {
        let text = format!("{name} says {}", said.len());
        let message = json!({ "text": text, "client_id": text });
        front.post(name + said.len(), &path, Some(&token), &message).await;
        // At another process.
        if said.len().is_multiple_of(AGAIN_EVERY) {
            front.post(name + said.len() + 1, &path, Some(&token), &message).await;
        }
        said.push(text);
        answers.one_more();
    }
    said
}

/// Taps; how many hearts were taken.
async fn tap(front: Arc<Front>, session: Value, answers: Answers) -> u64 {
    let mut seq: u64 = 0;
    while answers.goes_on() {
        let batch = json!({ "session": session, "seq": seq + 1, "taps": [0] });
        front.post(seq as usize, "/api/v1/hearts", None, &batch).await;
        // At the other burst.
        if seq.is_multiple_of(AGAIN_EVERY as u64) {
            front.post(seq as usize + 1, "/api/v1/hearts", None, &batch).await;
        }
        seq = answers.one_more();
        // As fast as a finger.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    seq
}

/// Everything that was said in the room.
async fn room(api: &Process, broadcast: &Value) -> Vec<String> {
    let (path, mut kept, mut cursor) = (messages(broadcast), Vec::new(), String::new());
    loop {
        let page =
            until("the room is read", || async { api.api.get(&format!("{path}?limit=100{cursor}"), None).await.ok() })
                .await;
        kept.extend(page["items"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return kept,
        }
    }
}
