//! The clocks of some processes are five seconds ahead: the real binary, over a clock that lies (Debian's faketime).

use hyper::Method;
use serde_json::{Value, json};

use super::{Chance, yard::Yard};
use crate::{
    parts::{Ground, Process},
    site::{id, refusal, until},
};

/// Timers go on as they do.
const AHEAD: [(&str, &str); 4] = [
    ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1"),
    ("FAKETIME", "+5s"),
    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ("DONT_FAKE_MONOTONIC", "1"),
];
/// Shorter than the clocks are apart.
const SLOW_S: u64 = 4;
/// What may be between a question to the database and its answer, on a busy machine.
const UNSURE_MS: i64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_processes_of_each_role_has_a_clock_that_is_five_seconds_ahead() {
    let mut chance = Chance::new();
    let mut yard = Yard::open(Ground::new().await, &[]).await;
    yard.apis[1].end(false).await;
    yard.apis[1] = yard.process("api", "api-1", &AHEAD).await;
    yard.workers[1].end(false).await;
    yard.workers[1] = yard.process("worker", "worker-1", &AHEAD).await;
    yard.batches[1].end(false).await;
    yard.batches[1] = yard.process("batch", "batch-1", &AHEAD).await;
    for wrong in [&yard.apis[1], &yard.workers[1], &yard.batches[1]] {
        until("it knows how wrong its clock is", || async {
            wrong.metric("madang_clock_ahead_seconds").await.filter(|ahead| (4.0..6.0).contains(ahead))
        })
        .await;
    }

    let load = yard.load().await;
    load.answers(chance.soon()).await;
    slow_mode_holds(&yard).await;
    // Those with the wrong clock have the leases from now on.
    yard.workers[0].end(false).await;
    yard.batches[0].end(false).await;
    load.answers(chance.soon()).await;
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    times_follow_the_order(&yard.apis[0], &yard.broadcast).await;
    reckoning.is_right("9. A clock of each role is 5 s ahead", "nothing to recover from", chance.seed);
}

/// Who has just written at one process waits at the other one, too, whichever has the wrong clock; the same message is known there.
async fn slow_mode_holds(yard: &Yard) {
    let streamer = yard.apis[0].person("streamer").await;
    let show = yard.apis[0].api.post("/api/v1/broadcasts", Some(&streamer), &json!({ "title": "Slow" })).await.unwrap();
    let change = json!({ "slow_mode_s": SLOW_S });
    let path = "/api/v1/channels/streamer/chat-settings";
    yard.apis[0].api.call(Method::PATCH, path, Some(&streamer), &change).await.unwrap();
    let room = format!("/api/v1/broadcasts/{}/room", id(&show));
    until("both know it", || async {
        let state = yard.apis[1].api.get(&room, None).await.ok()?;
        (state["settings"]["slow_mode_s"] == SLOW_S).then_some(())
    })
    .await;
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&show));
    for (name, first, other) in [("hare", 0, 1), ("tortoise", 1, 0)] {
        let token = yard.apis[first].person(name).await;
        let said = json!({ "text": "one", "client_id": name });
        let one = yard.apis[first].api.post(&messages, Some(&token), &said).await.unwrap();
        let again = yard.apis[other].api.post(&messages, Some(&token), &said).await.unwrap();
        assert_eq!(one["id"], again["id"], "{name}: a resend is the same message");
        let next = json!({ "text": "two", "client_id": format!("{name} two") });
        let refused = refusal(yard.apis[other].api.post(&messages, Some(&token), &next).await);
        assert_eq!(refused, (429, "slow_mode".into()), "{name} waits at the other one");
        until("its time has come", || async { yard.apis[other].api.post(&messages, Some(&token), &next).await.ok() })
            .await;
    }
    let kept = yard.apis[0].api.get(&messages, None).await.unwrap();
    let at = |text: &str, of: &str| {
        let items = kept["items"].as_array().unwrap();
        let one = items.iter().find(|one| one["text"] == text && one["account"]["handle"] == of).unwrap();
        millis(&one["at"])
    };
    for name in ["hare", "tortoise"] {
        let waited = at("two", name) - at("one", name);
        assert!(waited >= SLOW_S as i64 * 1_000, "{name} waited for {waited} ms");
    }
}

/// Whoever took a message, its time fits to its place.
async fn times_follow_the_order(api: &Process, broadcast: &Value) {
    let path = format!("/api/v1/broadcasts/{}/messages?limit=200", id(broadcast));
    let page = api.api.get(&path, None).await.unwrap();
    let mut latest = 0;
    for message in page["items"].as_array().unwrap() {
        let at = millis(&message["at"]);
        assert!(at > latest - UNSURE_MS, "{message} comes {} ms after a later one", latest - at);
        latest = latest.max(at);
    }
}

fn millis(time: &Value) -> i64 {
    serde_json::from_value::<kernel::Timestamp>(time.clone()).unwrap().as_millis()
}
