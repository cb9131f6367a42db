//! What administrators change while a site runs reaches all of its processes, and outlives them.

use std::time::{Duration, Instant};

use hyper::Method;
use madang::client::ApiClient;
use serde_json::{Value, json};

use crate::{
    parts::{Ground, Process},
    realtime::Connection,
    site::{PATIENCE, Site, id, refusal, until},
};

async fn set(api: &ApiClient, name: &str, token: &str, value: Value) {
    let path = format!("/api/v1/admin/settings/{name}");
    api.call(Method::PUT, &path, Some(token), &json!({ "value": value })).await.unwrap();
}

/// Waits until a process refuses what it took before, with this status and code.
async fn until_refused(process: &Process, path: &str, token: &str, body: &Value, as_what: (u16, &str)) {
    until(as_what.1, || async {
        let answer = process.api.post(path, Some(token), body).await;
        answer.is_err().then(|| assert_eq!(refusal(answer), (as_what.0, as_what.1.to_owned())))
    })
    .await;
}

/// The change up to which a process follows, of whatever role.
async fn followed(process: &Process) -> Option<f64> {
    process.metric("madang_site_settings_version").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_is_told_all_obey_before_long() {
    let ground = Ground::new().await;
    // Nothing else refuses what is tried again and again.
    let free = [
        ("MADANG_CHAT_RATE", "off"),
        ("MADANG_LIVE_BROADCAST_RATE", "off"),
        ("MADANG_LIVE_OPEN_BROADCASTS_MAX", "100000"),
    ];
    let first = ground.process("api", "api-1", &free).await;
    let second = ground.process("api", "api-2", &free).await;
    let gateway = ground.process("gateway", "gateway", &free).await;
    let others = [ground.process("batch", "batch", &[]).await, ground.process("burst", "burst", &[]).await];
    let (hana, fan) = (first.person("hana").await, first.person("fan").await);
    ground.grant("hana").await;
    let broadcast = first.api.post("/api/v1/broadcasts", Some(&hana), &json!({ "title": "Several" })).await.unwrap();
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let chat = format!("chat:{}", id(&broadcast));
    let (mut speaker, _) = gateway.subscribe(&fan, &chat).await;

    // A limit.
    set(&first.api, "chat.rate", &hana, json!("1/min")).await;
    until_refused(&second, &messages, &fan, &json!({ "text": "hello" }), (429, "chat_rate")).await;
    loop {
        let said = json!({ "channel": chat, "data": { "text": "hello" } });
        let reply = speaker.call("publish", said).await.unwrap();
        if reply["error"].is_object() {
            assert!(reply["error"]["message"].as_str().unwrap().contains("too fast"), "{reply}");
            break;
        }
    }

    // The notice, for who is connected and for who comes.
    set(&first.api, "notice", &hana, json!("점검 20시")).await;
    let begun = Instant::now();
    let told = async {
        loop {
            let message = speaker.message().await.expect("the connection stays");
            if message["push"]["message"].is_object() {
                return message["push"]["message"]["data"].clone();
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.expect("it is told");
    assert_eq!(told, json!({ "type": "notice", "notice": "점검 20시" }));
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
    let (_, connected) = Connection::greeted(gateway.http, &fan).await;
    assert_eq!(connected["data"], told);

    // A switch, also for a process that starts later.
    set(&first.api, "live.new_broadcasts", &hana, json!(false)).await;
    let title = json!({ "title": "One more" });
    until_refused(&second, "/api/v1/broadcasts", &hana, &title, (403, "new_broadcasts_closed")).await;
    first.kill().await;
    let first = ground.process("api", "api-1", &free).await;
    let refused = refusal(first.api.post("/api/v1/broadcasts", Some(&hana), &title).await);
    assert_eq!(refused, (403, "new_broadcasts_closed".into()), "from its first request on");
    let path = "/api/v1/admin/settings/live.new_broadcasts";
    let by_a_fan = first.api.call(Method::DELETE, path, Some(&fan), &Value::Null).await;
    assert_eq!(refusal(by_a_fan), (403, "not_allowed".into()));
    first.api.call(Method::DELETE, path, Some(&hana), &Value::Null).await.unwrap();
    until("the settings file holds again", || async {
        second.api.post("/api/v1/broadcasts", Some(&hana), &title).await.ok()
    })
    .await;

    // Blocked words.
    set(&first.api, "chat.rate", &hana, json!("off")).await;
    let word = json!({ "word": "lantern", "consequence": "refuse" });
    let text = json!({ "text": "a lantern" });
    until("everybody may write again", || async { second.api.post(&messages, Some(&fan), &text).await.ok() }).await;
    first.api.post("/api/v1/blocked-words", Some(&hana), &word).await.unwrap();
    until_refused(&second, &messages, &fan, &text, (422, "blocked_word")).await;

    for process in others.iter().chain([&gateway, &second]) {
        until("it follows, whatever its role", || async { (followed(process).await == Some(5.0)).then_some(()) }).await;
    }
    let log = second.api.get("/api/v1/admin/settings/changes", Some(&hana)).await.unwrap();
    let names: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|change| change["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["chat.rate", "live.new_broadcasts", "live.new_broadcasts", "notice", "chat.rate"]);
    assert!(log["items"].as_array().unwrap().iter().all(|change| change["by"]["handle"] == "hana"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_holds_at_once_and_outlives_the_process() {
    let site = Site::start().await;
    let (hana, duri) = (site.person("hana").await, site.person("duri").await);
    assert!(site.command(&["admin", "grant", "hana"]).await.0);
    set(&site.api, "notice", &hana.token, json!("점검 20시")).await;
    set(&site.api, "people.registration_open", &hana.token, json!(false)).await;
    set(&site.api, "api.request_rate", &hana.token, json!("300/s")).await;
    let site = site.kill_and_restart().await;
    let about = site.api.get("/api/v1/site", None).await.unwrap();
    assert_eq!((&about["notice"], &about["registration_open"]), (&json!("점검 20시"), &json!(false)));
    let new = json!({ "handle": "late", "password": "correct horse", "display_name": "late" });
    let refused = refusal(site.api.post("/api/v1/accounts", None, &new).await);
    assert_eq!(refused, (403, "registration_closed".into()));
    let path = "/api/v1/admin/settings/people.registration_open";
    let by_a_fan = site.api.call(Method::PUT, path, Some(&duri.token), &json!({ "value": true })).await;
    assert_eq!(refusal(by_a_fan), (403, "not_allowed".into()));
    set(&site.api, "api.request_rate", &hana.token, json!("120/min")).await;
    let mut asked = 0;
    while site.api.get("/api/v1/site", None).await.is_ok() {
        asked += 1;
        assert!(asked < 1_000, "requests are held to the new rate");
    }
}
