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
    namespaces::{ChannelOptions, ClientSettings, Span, TokenConnector},
    tokens::{TokenSettings, Verifier},
};

struct Stage {
    router: Router,
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
    let connector = TokenConnector::new(verifier, namespaces.clone(), ClientSettings::default());
    let gateway = Gateway::new(Settings::default(), bus, Arc::new(connector), namespaces.clone(), clock.clone(), 1);
    let api = ServerApi::new(gateway, publishing, namespaces, clock);
    Stage { router: api.router(&ServerApiSettings { key: "secret".into() }), _database: database }
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
        ("publish", json!({ "channel": "kept:a", "data": 1, "skip_history": true }), 108),
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
