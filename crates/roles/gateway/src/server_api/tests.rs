//! Commands and their answers, on engines in memory.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use engines::{
    embedded::{LocalBus, RoomWindow},
    sql::{ROOM_LOG_MIGRATIONS, SqlRoomLog},
    system::SystemClock,
    testing::{TestDatabase, databases},
};
use http_body_util::BodyExt;
use ports::room_log::RoomLog;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::{
    Settings,
    namespaces::{ChannelOptions, ClientSettings, Namespaces, Span, TokenConnector},
    protocol::codes,
    tokens::{TokenSettings, Verifier},
};

struct Stage {
    router: Router,
    gateway: Arc<Gateway>,
    _database: TestDatabase,
}

async fn stage() -> Stage {
    let database = databases(&[ROOM_LOG_MIGRATIONS]).await.remove(0);
    let durable: Arc<dyn RoomLog> = Arc::new(SqlRoomLog::new(database.database.clone()));
    let clock = Arc::new(SystemClock);
    let window = ChannelOptions { history_size: 3, history_ttl: "60s".parse().unwrap(), ..ChannelOptions::default() };
    let kept = ChannelOptions { durable: true, ..ChannelOptions::default() };
    let named = BTreeMap::from([("window".to_owned(), window), ("kept".to_owned(), kept)]);
    let bus = Arc::new(LocalBus::default());
    let windows = |size, ttl: Span| -> Arc<dyn RoomLog> {
        Arc::new(RoomWindow::new(size, ttl.as_millis(), Arc::new(SystemClock)))
    };
    let publishing =
        Publishing::new(&ChannelOptions::default(), &named, durable, &windows, bus.clone(), clock.clone(), 1).unwrap();
    let publishing = Arc::new(publishing);
    let verifier = Arc::new(Verifier::new(&TokenSettings::default(), None, clock.clone()).unwrap());
    let namespaces = Arc::new(Namespaces::new(publishing.clone(), verifier.clone(), false, clock.clone()));
    let clients = ClientSettings { allow_anonymous_connect_without_token: true, ..ClientSettings::default() };
    let connector = TokenConnector::new(verifier, namespaces.clone(), clients);
    let settings = Settings { refresh_grace_ms: 0, ..Settings::default() };
    let gateway = Gateway::new(settings, bus, Arc::new(connector), namespaces.clone(), clock.clone(), 1);
    let api = ServerApi::new(gateway.clone(), publishing, clock);
    Stage { gateway, router: api.router(&ServerApiSettings { key: "secret".into() }), _database: database }
}

impl Stage {
    async fn send(&self, method: &str, key: &str, body: String) -> (StatusCode, Value) {
        let request = Request::post(format!("/api/{method}")).header("x-api-key", key).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, "secret", body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{method}: {answer}");
        answer
    }
}

#[tokio::test]
async fn only_the_key_opens_it_and_only_methods_that_exist_answer() {
    let stage = stage().await;
    for key in ["", "Secret", "secret2"] {
        assert_eq!(stage.send("info", key, String::new()).await.0, StatusCode::UNAUTHORIZED, "{key:?}");
    }
    assert_eq!(stage.send("nothing", "secret", String::new()).await.0, StatusCode::NOT_FOUND);
    let (status, answer) = stage.send("info", "secret", String::new()).await;
    assert_eq!((status, &answer["result"]["nodes"][0]["num_clients"]), (StatusCode::OK, &json!(0)));
    let no_key = ServerApiSettings::default();
    assert!(ApiKey::new(&no_key).is_none());
}

#[tokio::test]
async fn what_is_published_is_in_the_history_once_for_each_key() {
    let stage = stage().await;
    for channel in ["kept:a", "window:a"] {
        let one = json!({ "channel": channel, "data": { "n": 1 }, "idempotency_key": "k", "tags": { "a": "b" } });
        let first = stage.call("publish", one.clone()).await;
        assert_eq!(first["result"]["offset"], 1, "{first}");
        assert_eq!(stage.call("publish", one).await, first, "a resend is the same publication");
        stage.call("publish", json!({ "channel": channel, "b64data": "Mg==" })).await;
        let history = stage.call("history", json!({ "channel": channel, "limit": 10 })).await;
        let expected = json!([{ "offset": 1, "data": { "n": 1 }, "tags": { "a": "b" } }, { "offset": 2, "data": 2 }]);
        assert_eq!(history["result"]["publications"], expected);
        assert_eq!((&history["result"]["offset"], &history["result"]["epoch"]), (&json!(2), &first["result"]["epoch"]));
        let since = json!({ "offset": 1, "epoch": first["result"]["epoch"] });
        let later = stage.call("history", json!({ "channel": channel, "limit": 1, "since": since })).await;
        assert_eq!(later["result"]["publications"][0]["offset"], 2);
        let other = json!({ "channel": channel, "limit": 1, "since": { "offset": 1, "epoch": "x" } });
        assert_eq!(stage.call("history", other).await["error"]["code"], 112);
    }
    let removed = |channel: &str| json!({ "channel": channel });
    assert_eq!(stage.call("history_remove", removed("kept:a")).await["error"]["code"], 108);
    assert_eq!(stage.call("history_remove", removed("window:a")).await, json!({ "result": {} }));
    let history = stage.call("history", json!({ "channel": "window:a", "limit": 10 })).await;
    assert_eq!((&history["result"]["publications"], &history["result"]["offset"]), (&json!([]), &json!(2)));
}

#[tokio::test]
async fn a_broadcast_and_a_batch_answer_for_each_part() {
    let stage = stage().await;
    let answer = stage.call("broadcast", json!({ "channels": ["kept:a", "old:a", "plain"], "data": 1 })).await;
    let responses = answer["result"]["responses"].as_array().unwrap();
    assert_eq!(responses.len(), 3);
    assert_eq!((&responses[0]["result"]["offset"], &responses[1]["error"]["code"]), (&json!(1), &json!(102)));
    assert_eq!(responses[2], json!({ "result": {} }), "nothing is kept there");
    for parallel in [false, true] {
        let commands =
            json!([{ "publish": { "channel": "window:b", "data": 1 } }, { "nothing": {} }, { "info": {} }, {}]);
        let answer = stage.call("batch", json!({ "commands": commands, "parallel": parallel })).await;
        let replies = answer["result"]["replies"].as_array().unwrap();
        assert_eq!(replies[0]["publish"]["offset"], if parallel { 2 } else { 1 }, "{replies:?}");
        assert_eq!((&replies[1]["error"]["code"], &replies[3]["error"]["code"]), (&json!(107), &json!(107)));
        assert!(replies[2]["info"]["nodes"].is_array());
    }
    let nested = json!({ "commands": [{ "batch": { "commands": [] } }] });
    assert_eq!(stage.call("batch", nested).await["result"]["replies"][0]["error"]["code"], 107);
}

#[tokio::test]
async fn what_is_wrong_with_a_command_is_said() {
    let stage = stage().await;
    for (method, body, code) in [
        ("publish", json!({ "channel": "kept:a" }), 107),
        ("publish", json!({ "data": 1 }), 107),
        ("publish", json!({ "channel": "a".repeat(256), "data": 1 }), 107),
        ("publish", json!({ "channel": "old:a", "data": 1 }), 102),
        ("publish", json!({ "channel": "kept:a", "b64data": "?" }), 107),
        ("publish", json!({ "channel": "kept:a", "data": 1, "version": 1 }), 108),
        ("publish", json!({ "channel": "kept:a", "data": "x".repeat(20_000) }), 106),
        ("publish", json!({ "channel": "kept:a", "data": 1, "idempotency_key": "k".repeat(200) }), 107),
        ("publish", json!([]), 107),
        ("broadcast", json!({ "channels": [], "data": 1 }), 107),
        ("subscribe", json!({ "user": "7", "channel": "old:a" }), 102),
        ("subscribe", json!({ "channel": "kept:a" }), 107),
        ("disconnect", json!({}), 107),
        ("disconnect", json!({ "user": "7", "disconnect": { "code": 1 } }), 107),
        ("history", json!({ "channel": "plain" }), 108),
        ("presence", json!({ "channel": 7 }), 107),
    ] {
        let answer = stage.call(method, body.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{method} {body}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
    }
    let plain = json!({ "channel": "plain", "data": 1, "skip_history": true, "idempotency_key": "k" });
    assert_eq!(stage.call("publish", plain.clone()).await, json!({ "result": {} }));
    assert_eq!(stage.call("publish", plain).await, json!({ "result": {} }));
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let stage = stage().await;
    for (method, body, field) in [
        ("publish", json!({ "channel": "kept:a", "b64data": "?" }), "b64data"),
        ("publish", json!({ "channel": "kept:a", "data": 1, "version": -1 }), "version"),
        ("publish", json!({ "channel": "kept:a", "data": 1, "tags": { "a": 1 } }), "tags.a"),
        ("publish", json!({ "channel": "kept:a", "data": 1, "version": 1 }), "version"),
        (
            "publish",
            json!({ "channel": "window:a", "data": 1, "version": 1, "version_epoch": "e".repeat(200) }),
            "version_epoch",
        ),
        ("broadcast", json!({ "channels": ["a", 1], "data": 1 }), "channels[1]"),
        ("subscribe", json!({ "user": "7", "channel": "kept:a", "b64info": "?" }), "b64info"),
        ("subscribe", json!({ "user": "7", "channel": "kept:a", "expire_at": 1 }), "expire_at"),
        (
            "subscribe",
            json!({ "user": "7", "channel": "kept:a", "override": { "presence": { "value": 1 } } }),
            "override.presence.value",
        ),
        ("history", json!({ "channel": "kept:a", "since": { "offset": "1" } }), "since.offset"),
        ("refresh", json!({ "expired": true }), "session"),
    ] {
        let answer = stage.call(method, body.clone()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(field), "{method} {body}: {answer}");
    }
}

#[tokio::test]
async fn an_older_version_is_not_published() {
    let stage = stage().await;
    let publish = |channel: &str, version: u64, epoch: &str| {
        let body = json!({ "channel": channel, "data": version, "version": version, "version_epoch": epoch });
        let stage = &stage;
        async move { stage.call("publish", body).await["result"]["offset"].clone() }
    };
    for (version, epoch, offset) in [(5, "x", 1), (4, "x", 1), (5, "", 1), (6, "", 2), (2, "y", 3), (1, "y", 3)] {
        assert_eq!(publish("window:a", version, epoch).await, offset, "{version} {epoch}");
    }
    let history = stage.call("history", json!({ "channel": "window:a", "limit": 10 })).await;
    let data: Vec<_> = history["result"]["publications"].as_array().unwrap().iter().map(|one| &one["data"]).collect();
    assert_eq!(data, [5, 6, 2]);

    // Whatever comes together ends with the newest.
    let many = (1..=200).map(|version| publish("window:b", version * 37 % 211, "x"));
    futures_util::future::join_all(many).await;
    let history = stage.call("history", json!({ "channel": "window:b", "limit": 10 })).await;
    let data: Vec<_> = history["result"]["publications"].as_array().unwrap().iter().map(|one| &one["data"]).collect();
    assert!(data.is_sorted_by_key(|data| data.as_u64()) && *data[data.len() - 1] == 210, "{data:?}");
}

#[tokio::test]
async fn what_skips_the_history_is_answered_and_not_there() {
    let stage = stage().await;
    for channel in ["kept:a", "window:a"] {
        let body =
            json!({ "channel": channel, "data": 1, "skip_history": true, "idempotency_key": "k", "delta": true });
        assert_eq!(stage.call("publish", body.clone()).await, json!({ "result": {} }));
        assert_eq!(stage.call("publish", body).await, json!({ "result": {} }));
        let history = stage.call("history", json!({ "channel": channel, "limit": 10 })).await;
        assert_eq!((&history["result"]["publications"], &history["result"]["offset"]), (&json!([]), &json!(0)));
    }
}

/// A client over server-sent events, which has a session.
struct Listener {
    events: axum::body::BodyDataStream,
    session: String,
    id: String,
}

impl Listener {
    async fn connect(stage: &Stage) -> Self {
        let request = Request::get("/connection/sse?cf_connect=%7B%22id%22:1,%22connect%22:%7B%7D%7D");
        let response = stage.gateway.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let events = response.into_body().into_data_stream();
        let mut listener = Self { events, session: String::new(), id: String::new() };
        let reply = listener.next().await;
        let text = |name: &str| reply["connect"][name].as_str().unwrap().to_owned();
        (listener.session, listener.id) = (text("session"), text("client"));
        listener
    }

    /// The next message; several of one frame are not told apart.
    async fn next(&mut self) -> Value {
        let event = futures_util::StreamExt::next(&mut self.events).await.unwrap().unwrap();
        let first = event.split(|byte| *byte == b'\n').next().unwrap();
        serde_json::from_slice(first.strip_prefix(b"data: ").unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_session_is_told_what_is_meant_for_it_and_no_other_is() {
    let stage = stage().await;
    let (mut one, mut other) = (Listener::connect(&stage).await, Listener::connect(&stage).await);
    let subscribe = |session: &str, channel: &str| json!({ "session": session, "channel": channel });
    stage.call("subscribe", subscribe(&one.session, "kept:one")).await;
    stage.call("subscribe", subscribe(&other.session, "kept:other")).await;
    assert_eq!(one.next().await["push"]["channel"], "kept:one");
    assert_eq!(other.next().await["push"]["channel"], "kept:other");
    let info = stage.call("info", json!({})).await;
    assert_eq!(info["result"]["nodes"][0]["num_subs"], 2, "{info}");

    // Both have to fit.
    stage.call("unsubscribe", json!({ "session": one.session, "client": other.id, "channel": "kept:one" })).await;
    stage.call("unsubscribe", json!({ "session": one.session, "user": "7", "channel": "kept:one" })).await;
    stage.call("publish", json!({ "channel": "kept:one", "data": 1 })).await;
    assert_eq!(one.next().await["push"]["pub"]["data"], 1, "it is still subscribed");
    stage.call("unsubscribe", json!({ "session": one.session, "client": one.id, "channel": "kept:one" })).await;
    assert_eq!(one.next().await["push"]["unsubscribe"]["code"], 2000);

    let why = json!({ "code": 4001, "reason": "enough" });
    stage.call("disconnect", json!({ "session": one.session, "disconnect": why })).await;
    assert_eq!(one.next().await["push"]["disconnect"]["code"], 4001);
    let gone = crate::Target::Session { session: one.session, id: None, user: None };
    assert_eq!(stage.gateway.disconnect(&gone, &codes::SERVER_ERROR), 0);
    stage.call("publish", json!({ "channel": "kept:other", "data": 2 })).await;
    assert_eq!(other.next().await["push"]["pub"]["data"], 2);
}

#[tokio::test]
async fn a_subscription_ends_when_the_server_said_so() {
    let stage = stage().await;
    let mut listener = Listener::connect(&stage).await;
    let expire_at = SystemClock.now().as_millis() / 1_000 + 2;
    let body = json!({ "session": listener.session, "channel": "kept:a", "expire_at": expire_at });
    stage.call("subscribe", body).await;
    assert_eq!(listener.next().await["push"]["channel"], "kept:a");
    assert_eq!(listener.next().await["push"]["disconnect"]["code"], 3006);
}
