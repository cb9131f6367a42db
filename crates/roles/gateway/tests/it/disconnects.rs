//! Why connections end, and who may not open one.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use gateway::Settings;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, http::StatusCode};

use crate::{client::Client, server::Server};

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection_for_good() {
    let server = Server::start().await;
    let connect = "{\"id\":1,\"connect\":{}}";
    let before_connect = [
        "{}",
        "",
        "\n",
        "nonsense",
        "[]",
        "{\"id\":1,\"subscribe\":{\"channel\":\"room:1\"}}",
        "{\"connect\":{}}",
        "{\"id\":1,\"connect\":{\"token\":7}}",
    ];
    for frame in before_connect {
        let mut client = Client::open(&server).await;
        client.send_text(frame).await;
        assert_eq!(client.closed().await, (3501, "bad request".into()), "{frame:?}");
    }
    let after_connect = [
        connect,
        "{}",
        "{\"id\":2,\"ping\":{}",
        "{\"publish\":{\"channel\":\"room:1\",\"data\":1}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"\"}}",
        "{\"id\":2,\"ping\":{}}\n{",
    ];
    for frame in after_connect {
        let mut client = Client::connect(&server).await;
        client.send_text(frame).await;
        assert_eq!(client.closed().await.0, 3501, "{frame:?}");
    }
    let mut many = Client::connect(&server).await;
    many.send_text("{\"id\":2,\"ping\":{}}\n".repeat(513)).await;
    assert_eq!(many.closed().await.0, 3501);
}

#[tokio::test]
async fn frames_that_are_not_of_the_protocol_have_codes_of_their_own() {
    let server = Server::start().await;
    let mut binary = Client::connect(&server).await;
    binary.socket.send(Message::binary(vec![0])).await.unwrap();
    assert_eq!(binary.closed().await.0, 3506);

    let mut large = Client::connect(&server).await;
    large.send_text("x".repeat(70_000)).await;
    assert_eq!(large.closed().await.0, 1009);

    let mut fits = Client::connect(&server).await;
    let body = json!({ "method": "echo", "data": "x".repeat(65_000) });
    assert_eq!(fits.call("rpc", body).await["rpc"]["data"].as_str().map(str::len), Some(65_000));
}

#[tokio::test]
async fn a_refused_client_learns_whether_to_come_back() {
    let server = Server::start().await;
    let mut invalid = Client::open(&server).await;
    invalid.send("connect", json!({ "token": "nobody's" })).await;
    assert_eq!(invalid.closed().await, (3500, "invalid token".into()));
    for (token, code, temporary) in [("expired", 109, Value::Null), ("down", 100, json!(true))] {
        let mut client = Client::open(&server).await;
        let reply = client.call("connect", json!({ "token": token })).await;
        assert_eq!((&reply["error"]["code"], &reply["error"]["temporary"]), (&json!(code), &temporary));
        client.send("connect", json!({})).await;
        assert_eq!(client.closed().await.0, 3501);
    }
}

#[tokio::test]
async fn a_client_that_never_connects_is_stale() {
    let server = Server::with(Settings { connect_timeout_ms: 100, ..Default::default() }).await;
    let start = Instant::now();
    let mut client = Client::open(&server).await;
    assert_eq!(client.closed().await, (3502, "stale".into()));
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_ping_wants_an_answer() {
    let settings = Settings { ping_interval_ms: 100, pong_timeout_ms: 150, ..Default::default() };
    let server = Server::with(settings).await;
    let mut client = Client::open(&server).await;
    let reply = client.call("connect", json!({})).await;
    assert_eq!(reply["connect"]["ping"], 1, "rounded up to a whole second");
    for _ in 0..3 {
        assert_eq!(client.message().await, json!({}));
        client.send_text("{}").await;
    }
    assert_eq!(client.message().await, json!({}));
    assert_eq!(client.closed().await, (3012, "no pong".into()));
}

#[tokio::test]
async fn one_ping_has_one_answer() {
    let server = Server::with(Settings { ping_interval_ms: 100, ..Default::default() }).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.message().await, json!({}));
    client.send_text("{}\n{}").await;
    assert_eq!(client.closed().await.0, 3501);
}

#[tokio::test]
async fn pings_can_be_those_of_the_websocket() {
    let settings = Settings { ping_interval_ms: 100, pong_timeout_ms: 200, ..Default::default() };
    let server = Server::with(settings).await;
    let mut client = Client::open_with(&server, "?cf_ws_frame_ping_pong=true", &[], None).await.unwrap();
    let reply = client.call("connect", json!({})).await;
    assert!(reply["connect"].get("ping").is_none(), "{reply}");
    for _ in 0..5 {
        // Answered by the WebSocket itself.
        assert!(matches!(client.frame().await, Message::Ping(_)));
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect() {
    let settings = Settings { allowed_origins: vec!["https://friend.example".into()], ..Default::default() };
    let server = Server::with(settings).await;
    let own = format!("http://{}", server.address);
    for (origin, expected) in [
        ("https://evil.example", Some(StatusCode::FORBIDDEN)),
        ("null", Some(StatusCode::FORBIDDEN)),
        (own.as_str(), None),
        ("https://friend.example", None),
    ] {
        let opened = Client::open_with(&server, "", &[("origin", origin)], None).await;
        assert_eq!(opened.err(), expected, "{origin}");
    }
    let json_form = [("sec-websocket-protocol", "centrifuge-json")];
    assert!(Client::open_with(&server, "", &json_form, None).await.is_ok());
}

#[tokio::test]
async fn connections_are_limited_and_a_closed_one_makes_room() {
    let server = Server::with(Settings { connections_max: 2, ..Default::default() }).await;
    let first = Client::connect(&server).await;
    let _second = Client::connect(&server).await;
    let third = Client::open_with(&server, "", &[], None).await;
    assert_eq!(third.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    drop(first);
    while server.gateway.connections() > 1 {
        tokio::task::yield_now().await;
    }
    Client::connect(&server).await;
}

#[tokio::test]
async fn shutdown_sends_everyone_elsewhere_and_takes_nobody_new() {
    let server = Server::with(Settings { drain_ms: 200, ..Default::default() }).await;
    let mut idle = Client::connect(&server).await;
    let mut new = Client::open(&server).await;
    let mut busy = Client::connect(&server).await;
    busy.send("rpc", json!({ "method": "hang" })).await;
    idle.subscribe("room:1").await;
    let gateway = server.gateway.clone();
    let down = tokio::spawn(async move { gateway.shutdown().await });
    for client in [&mut idle, &mut new, &mut busy] {
        assert_eq!(client.closed().await, (3001, "shutdown".into()));
    }
    down.await.unwrap();
    assert_eq!(server.gateway.connections(), 0);
    let late = Client::open_with(&server, "", &[], None).await;
    assert_eq!(late.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
}
