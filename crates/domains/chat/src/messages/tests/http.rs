//! The routes as a client sees them.

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use kernel::Caller;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::testing::{BROADCAST, anonymous, caller, stages};
use crate::{Chat, Settings};

fn app(chat: &Chat, caller: Caller) -> Router {
    Router::from(chat.router()).layer(Extension(caller))
}

async fn call(
    app: Router,
    method: &str,
    path: &str,
    body: Value,
    key: Option<&str>,
) -> (StatusCode, Value, Option<String>) {
    let mut request = Request::builder().method(method).uri(format!("/api/v1/broadcasts/{BROADCAST}{path}"));
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = app.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null), retry_after)
}

#[tokio::test]
async fn a_message_is_posted_resent_read_and_deleted() {
    for stage in stages().await {
        let chat = stage.chat();
        let text = json!({"text": "<b>안녕</b>"});
        let (status, first, _) = call(app(&chat, caller(2)), "POST", "/messages", text.clone(), Some("key 1")).await;
        assert_eq!(
            (status, &first["text"], &first["client_id"]),
            (StatusCode::CREATED, &text["text"], &json!("key 1"))
        );
        let (status, again, _) = call(app(&chat, caller(2)), "POST", "/messages", text, Some("key 1")).await;
        assert_eq!((status, &again), (StatusCode::CREATED, &first));
        let body = json!({"text": "b", "client_id": "key 2"});
        let (_, second, _) = call(app(&chat, caller(2)), "POST", "/messages", body, Some("key 1")).await;
        assert_eq!(second["offset"], 2, "the body's client id goes first");

        let (_, page, _) = call(app(&chat, anonymous()), "GET", "/messages?limit=1", Value::Null, None).await;
        assert_eq!(page, json!({"items": [second], "next_cursor": "2"}));
        for older in ["before_offset=2", "cursor=2"] {
            let path = format!("/messages?{older}");
            let (_, page, _) = call(app(&chat, anonymous()), "GET", &path, Value::Null, None).await;
            assert_eq!(page, json!({"items": [first], "next_cursor": null}));
        }

        let path = format!("/messages/{}", first["id"].as_str().unwrap());
        let (status, ..) = call(app(&chat, caller(1)), "DELETE", &path, Value::Null, None).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let (_, page, _) = call(app(&chat, anonymous()), "GET", "/messages", Value::Null, None).await;
        let types: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["deleted", "message", "message_deleted"]);
    }
}

#[tokio::test]
async fn refusals_carry_their_code_and_the_time_to_wait() {
    for stage in stages().await {
        let settings = Settings { rate: "1/30s".parse().unwrap(), ..Settings::default() };
        let chat = Chat::new(stage.parts.clone(), &settings).unwrap();
        let post = |who: Caller, body: Value| {
            let app = app(&chat, who);
            async move {
                let (status, problem, retry_after) = call(app, "POST", "/messages", body, None).await;
                (status.as_u16(), problem["code"].as_str().unwrap_or_default().to_owned(), retry_after)
            }
        };
        let refusal = |status: u16, code: &str, retry_after: Option<&str>| {
            (status, code.to_owned(), retry_after.map(str::to_owned))
        };
        let hello = json!({"text": "hello"});
        assert_eq!(post(anonymous(), hello.clone()).await, refusal(401, "sign_in_required", None));
        assert_eq!(post(caller(2), json!({"text": " "})).await, refusal(422, "text_empty", None));
        assert_eq!(post(caller(2), json!({"text": "a".repeat(501)})).await, refusal(422, "text_too_long", None));
        assert_eq!(post(caller(2), hello.clone()).await.0, 201);
        assert_eq!(post(caller(2), hello.clone()).await, refusal(429, "chat_rate", Some("30")));
        let timeout = json!({"account": "3", "seconds": 60, "reason": "spam"});
        let (status, ..) = call(app(&chat, caller(1)), "POST", "/timeouts", timeout, None).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(post(caller(3), hello.clone()).await, refusal(403, "timed_out", Some("60")));
        stage.broadcasts.end(&stage.clock);
        assert_eq!(post(caller(4), hello).await, refusal(409, "room_closed", None));
    }
}

#[tokio::test]
async fn what_a_room_is_set_to_is_named_in_the_answer() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let host = || app(&chat, caller(1));
        let set = |change: Value| {
            let path = "/api/v1/channels/person_1/chat-settings";
            let request = Request::builder().method("PATCH").uri(path).body(Body::from(change.to_string()));
            let answered = host().oneshot(request.unwrap());
            async { answered.await.unwrap().status() }
        };
        let hello = json!({"text": "hello"});
        let post = || async {
            let (status, problem, retry_after) =
                call(app(&chat, caller(2)), "POST", "/messages", hello.clone(), None).await;
            (status.as_u16(), problem["code"].as_str().unwrap_or_default().to_owned(), retry_after)
        };
        assert_eq!(post().await.0, 201);
        assert_eq!(set(json!({"slow_mode_s": 30})).await, 200);
        assert_eq!(post().await, (429, "slow_mode".into(), Some("30".into())));
        assert_eq!(set(json!({"slow_mode_s": 0, "emote_only": true})).await, 200);
        assert_eq!(post().await, (403, "emote_only".into(), None));
        assert_eq!(set(json!({"members_only": true})).await, 200);
        assert_eq!(post().await, (403, "members_only".into(), None));
        assert_eq!(set(json!({"read_only": true})).await, 200);
        assert_eq!(post().await, (403, "read_only".into(), None));
        assert_eq!(set(json!({"slow_mode_s": 3_601})).await, 422);
        assert_eq!(set(json!({"no_such_mode": true})).await, 422);
        let (status, room, _) = call(app(&chat, caller(2)), "GET", "/room", Value::Null, None).await;
        assert_eq!((status.as_u16(), &room["settings"]["read_only"]), (200, &json!(true)));
    }
}

#[tokio::test]
async fn a_held_message_is_accepted_and_not_created() {
    for stage in stages().await {
        let chat = stage.chat();
        let word = crate::blocked_words::NewBlockedWord {
            word: "hmm".into(),
            consequence: crate::blocked_words::Consequence::Hold,
        };
        chat.blocked_words.block(&caller(1), "person_1", word).await.unwrap();
        let (status, held, _) =
            call(app(&chat, caller(2)), "POST", "/messages", json!({"text": "hmm"}), Some("key 1")).await;
        assert_eq!((status.as_u16(), &held["type"], &held["client_id"]), (202, &json!("held"), &json!("key 1")));
    }
}

#[test]
fn every_route_is_documented() {
    // The document is made without running anything; a runtime is only needed by the log.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stage = stages().await.remove(0);
        let document = serde_json::to_value(stage.chat().router().get_openapi()).unwrap();
        let mut routes: Vec<String> = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            routes.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
        }
        routes.sort();
        let expected = [
            "delete /api/v1/blocked-words/{id}",
            "delete /api/v1/broadcasts/{id}/messages/{message_id}",
            "delete /api/v1/broadcasts/{id}/pinned-message",
            "delete /api/v1/broadcasts/{id}/timeouts/{account}",
            "delete /api/v1/channels/{handle}/address-bans/{id}",
            "delete /api/v1/channels/{handle}/bans/{account}",
            "delete /api/v1/channels/{handle}/blocked-words/{id}",
            "delete /api/v1/channels/{handle}/members/{account}",
            "delete /api/v1/channels/{handle}/moderators/{account}",
            "get /api/v1/blocked-words",
            "get /api/v1/broadcasts/{id}/messages",
            "get /api/v1/broadcasts/{id}/room",
            "get /api/v1/broadcasts/{id}/timeouts",
            "get /api/v1/channels/{handle}/address-bans",
            "get /api/v1/channels/{handle}/bans",
            "get /api/v1/channels/{handle}/blocked-words",
            "get /api/v1/channels/{handle}/chat-settings",
            "get /api/v1/channels/{handle}/held-messages",
            "get /api/v1/channels/{handle}/members",
            "get /api/v1/channels/{handle}/mod-log",
            "get /api/v1/channels/{handle}/moderators",
            "patch /api/v1/channels/{handle}/chat-settings",
            "post /api/v1/blocked-words",
            "post /api/v1/broadcasts/{id}/messages",
            "post /api/v1/broadcasts/{id}/timeouts",
            "post /api/v1/channels/{handle}/address-bans",
            "post /api/v1/channels/{handle}/bans",
            "post /api/v1/channels/{handle}/blocked-words",
            "post /api/v1/channels/{handle}/held-messages/{id}/approve",
            "post /api/v1/channels/{handle}/held-messages/{id}/reject",
            "post /api/v1/channels/{handle}/members",
            "post /api/v1/channels/{handle}/moderators",
            "put /api/v1/broadcasts/{id}/pinned-message",
        ];
        assert_eq!(routes, expected);
        for schema in
            ["Message", "Tombstone", "Deletion", "HistoryItem", "Timeout", "RoomState", "ModLogEntry", "ReviewItem"]
        {
            assert!(document["components"]["schemas"].get(schema).is_some(), "{schema}");
        }
    });
}
