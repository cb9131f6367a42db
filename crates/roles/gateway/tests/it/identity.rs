//! A connection does not outlive the session it was opened with.

use std::sync::atomic::Ordering;

use gateway::Settings;
use serde_json::json;

use crate::{client::Client, server::Server};

/// How long it is believed who a client is.
const BELIEVED_MS: i64 = 5_000;

fn publish() -> serde_json::Value {
    json!({ "channel": "room:1", "data": 1 })
}

#[tokio::test]
async fn who_signed_out_does_not_act_any_more() {
    for (kind, body) in [("publish", publish()), ("rpc", json!({ "method": "echo", "data": 1 }))] {
        let server = Server::start().await;
        let mut client = Client::connect_as(&server, "5").await;
        server.tokens.revoked.lock().unwrap().insert("5".into());
        server.clock.advance(BELIEVED_MS - 1);
        assert!(client.call(kind, body.clone()).await[kind].is_object(), "believed for a while");
        let kept = server.world.log.next("room:1");
        server.clock.advance(1);
        client.send(kind, body).await;
        assert_eq!(client.closed().await, (3500, "invalid token".into()), "{kind}");
        assert_eq!(server.world.log.next("room:1"), kept);
    }
}

#[tokio::test]
async fn one_of_several_processes_looks_sooner() {
    let server = Server::with(Settings { identity_believed_ms: 1_000, ..Default::default() }).await;
    let mut client = Client::connect_as(&server, "5").await;
    server.tokens.revoked.lock().unwrap().insert("5".into());
    server.clock.advance(1_000);
    let kept = server.world.log.next("room:1");
    client.send("publish", publish()).await;
    assert_eq!(client.closed().await, (3500, "invalid token".into()));
    assert_eq!(server.world.log.next("room:1"), kept);
}

#[tokio::test]
async fn who_signed_out_and_only_listens_is_found_out_with_the_next_ping() {
    let server = Server::with(Settings { ping_interval_ms: 100, ..Default::default() }).await;
    let mut client = Client::connect_as(&server, "5").await;
    let mut visitor = Client::connect(&server).await;
    server.tokens.revoked.lock().unwrap().insert("5".into());
    assert_eq!(client.closed().await, (3500, "invalid token".into()));
    let asked = server.tokens.asked.load(Ordering::Relaxed);
    assert_eq!(visitor.message().await, json!({}));
    visitor.send_text("{}").await;
    assert_eq!(visitor.call("ping", json!({})).await["ping"], json!({}));
    assert_eq!(server.tokens.asked.load(Ordering::Relaxed), asked, "a visitor has nothing that could end");
}

#[tokio::test]
async fn a_cookie_that_is_gone_ends_the_connection_as_well() {
    let server = Server::start().await;
    let mut client = Client::open_with(&server, "", &[("cookie", "madang_session=8")], None).await.unwrap();
    client.call("connect", json!({})).await;
    server.clock.advance(BELIEVED_MS);
    assert!(client.call("publish", publish()).await["publish"].is_object(), "still good");
    server.tokens.revoked.lock().unwrap().insert("8".into());
    server.clock.advance(BELIEVED_MS);
    client.send("publish", publish()).await;
    assert_eq!(client.closed().await.0, 3500);
}

#[tokio::test]
async fn what_cannot_be_found_out_now_fails_the_command_and_not_the_connection() {
    let server = Server::start().await;
    let mut client = Client::connect_as(&server, "5").await;
    server.clock.advance(BELIEVED_MS);
    server.tokens.failing.store(true, Ordering::Relaxed);
    let refused = client.call("publish", publish()).await;
    assert_eq!((&refused["error"]["code"], &refused["error"]["temporary"]), (&json!(100), &json!(true)));
    assert_eq!(server.world.log.next("room:1"), 1, "nothing was published");
    assert_eq!(client.call("ping", json!({})).await["ping"], json!({}));
    server.tokens.failing.store(false, Ordering::Relaxed);
    // Several at once are asked about once, and keep their order.
    let asked = server.tokens.asked.load(Ordering::Relaxed);
    let line = |id: u32| json!({ "id": id, "publish": { "channel": "room:1", "data": id } }).to_string();
    client.send_text((100..110).map(line).collect::<Vec<_>>().join("\n")).await;
    for id in 100..110 {
        assert_eq!(client.message().await, json!({ "id": id, "publish": {} }));
    }
    assert_eq!(server.tokens.asked.load(Ordering::Relaxed), asked + 1);
    assert_eq!(server.world.log.next("room:1"), 11);
}
