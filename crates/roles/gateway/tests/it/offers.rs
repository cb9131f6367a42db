//! What a channel offers, and what a subscriber makes of it.

use std::sync::Arc;

use bytes::Bytes;
use gateway::needs::{ChannelRules, Offer};
use ports::about::{About, ClientInfo};
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

async fn subscribed(server: &Server, mut body: Value) -> Value {
    body["channel"] = "room:1".into();
    let reply = Client::connect(server).await.call("subscribe", body).await;
    assert!(reply["subscribe"].is_object(), "{reply}");
    reply["subscribe"].clone()
}

#[tokio::test]
async fn a_position_is_told_when_it_is_offered_and_asked_for() {
    let server = Server::start().await;
    server.world.log.add("room:1", "1");
    let epoch = server.world.log.epoch();
    let cases = [
        (Offer::Never, Offer::Never, json!({ "recoverable": true, "positioned": true }), json!({})),
        (Offer::Asked, Offer::Asked, json!({}), json!({})),
        (
            Offer::Never,
            Offer::Asked,
            json!({ "positioned": true, "recoverable": true }),
            json!({ "positioned": true, "epoch": epoch, "offset": 1 }),
        ),
        (
            Offer::Asked,
            Offer::Never,
            json!({ "recoverable": true }),
            json!({ "recoverable": true, "positioned": true, "epoch": epoch, "offset": 1 }),
        ),
        (Offer::Never, Offer::Always, json!({}), json!({ "positioned": true, "epoch": epoch, "offset": 1 })),
    ];
    for (recovery, positioning, body, expected) in cases {
        server.world.offer("room:1", |rules| ChannelRules { recovery, positioning, ..rules });
        assert_eq!(subscribed(&server, body.clone()).await, expected, "{recovery:?} {positioning:?} {body}");
    }
}

#[tokio::test]
async fn recovery_reaches_back_as_far_as_the_channel_says() {
    let server = Server::start().await;
    for number in 1..=10 {
        server.world.log.add("room:1", &number.to_string());
    }
    server.world.offer("room:1", |rules| ChannelRules { recovery_window: Some(4), ..rules });
    let epoch = server.world.log.epoch();
    let recover = |offset: u64| json!({ "recover": true, "offset": offset, "epoch": epoch });
    let within = subscribed(&server, recover(6)).await;
    assert_eq!((&within["recovered"], within["publications"].as_array().unwrap().len()), (&json!(true), 4));
    let beyond = subscribed(&server, recover(5)).await;
    assert_eq!((beyond.get("recovered"), beyond.get("publications")), (None, None));
    assert_eq!((&beyond["was_recovering"], &beyond["offset"]), (&json!(true), &json!(10)));
}

#[tokio::test]
async fn who_published_and_tags_come_live_in_recovery_and_in_history() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    let info = ClientInfo { user: "5".into(), client: "c".into(), conn_info: Some(Bytes::from("{}")), chan_info: None };
    let about = About { info: Some(Arc::new(info)), tags: vec![("kind".into(), "news".into())] };
    server.world.publish_bytes("room:1", Bytes::from_static(b"1"), Some(Arc::new(about)));
    let expected = json!({
        "data": 1, "offset": 1, "epoch": server.world.log.epoch(),
        "info": { "user": "5", "client": "c", "conn_info": {} }, "tags": { "kind": "news" },
    });
    assert_eq!(client.publication().await["pub"], expected);
    let recovered = Client::connect(&server).await.recover("room:1", 0, "").await;
    assert_eq!(recovered["publications"], json!([expected]));
    let history = client.call("history", json!({ "channel": "room:1", "limit": 1 })).await;
    assert_eq!(history["history"]["publications"], json!([expected]));
}

#[tokio::test]
async fn history_of_a_trimmed_log_begins_where_it_begins() {
    let server = Server::start().await;
    for number in 1..=20 {
        server.world.log.add("room:1", &number.to_string());
    }
    server.world.log.trim("room:1", 11);
    let mut client = Client::connect(&server).await;
    for (body, expected) in [
        (json!({ "limit": 3 }), vec![11, 12, 13]),
        (json!({ "limit": 3, "since": { "offset": 4, "epoch": "" } }), vec![11, 12, 13]),
        (json!({ "limit": 15, "reverse": true }), (11..=20).rev().collect()),
        (json!({ "limit": 2, "since": { "offset": 13, "epoch": "" }, "reverse": true }), vec![12, 11]),
        (json!({ "limit": 5, "since": { "offset": 12, "epoch": "" }, "reverse": true }), vec![11]),
    ] {
        let mut ask = body.clone();
        ask["channel"] = "room:1".into();
        let reply = client.call("history", ask).await;
        let publications = reply["history"]["publications"].as_array().unwrap();
        let offsets: Vec<u64> = publications.iter().map(|found| found["offset"].as_u64().unwrap()).collect();
        assert_eq!(offsets, expected, "{body}");
    }
}

#[tokio::test]
async fn what_a_client_sends_reaches_the_application() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    let headers = json!({ "x-version": "2" });
    let body = json!({ "name": "app", "version": "1.2", "data": { "a": 1 }, "headers": headers });
    client.call("connect", body).await;
    let request = server.tokens.requests.lock().unwrap().remove(0);
    assert_eq!((request.name.as_str(), request.version.as_str()), ("app", "1.2"));
    assert_eq!((request.data.as_deref(), request.headers["x-version"].as_str()), (Some(&b"{\"a\":1}"[..]), "2"));
    client.send_text("{\"send\":{\"data\":[1]}}\n{\"send\":{}}\n{\"id\":9,\"send\":{\"data\":2}}").await;
    client.call("ping", json!({})).await;
    let sent: Vec<String> =
        server.world.sent.lock().unwrap().iter().map(|data| String::from_utf8_lossy(data).into_owned()).collect();
    assert_eq!(sent, ["[1]", "null", "2"]);
}
