//! Every command, and its errors.

use serde_json::{Value, json};

use crate::{client::Client, server::Server};

fn error(reply: &Value) -> (u64, bool) {
    let error = &reply["error"];
    assert!(error["message"].is_string(), "{reply}");
    (error["code"].as_u64().unwrap(), error["temporary"].as_bool().unwrap_or(false))
}

#[tokio::test]
async fn connect_tells_the_client_its_id_and_the_ping_interval() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    let reply = client.call("connect", json!({ "name": "test", "unknown": [1] })).await;
    let result = &reply["connect"];
    assert_eq!((result["ping"].as_u64(), result["pong"].as_bool()), (Some(25), Some(true)), "{reply}");
    assert_eq!(result["time"], 1_767_225_600_007_i64);
    let other = Client::open(&server).await.call("connect", json!({})).await;
    assert_ne!(result["client"], other["connect"]["client"]);
    assert_eq!(client.call("ping", json!({})).await["ping"], json!({}));
}

#[tokio::test]
async fn a_publication_reaches_every_subscriber_with_its_offset() {
    let server = Server::start().await;
    let mut reader = Client::connect(&server).await;
    let mut writer = Client::connect_as(&server, "5").await;
    let subscribed = reader.subscribe("room:1").await;
    let expected = json!({ "recoverable": true, "positioned": true, "epoch": server.world.log.epoch(), "offset": 0 });
    assert_eq!(subscribed, expected);
    writer.subscribe("room:1").await;
    let reply = writer.call("publish", json!({ "channel": "room:1", "data": { "text": "안녕\n\"" } })).await;
    assert_eq!(reply["publish"], json!({}));
    for client in [&mut reader, &mut writer] {
        let push = client.publication().await;
        assert_eq!(push["channel"], "room:1");
        let first = json!({ "data": { "text": "안녕\n\"" }, "offset": 1, "epoch": server.world.log.epoch() });
        assert_eq!(push["pub"], first);
    }
    server.world.publish("room:1", "2");
    assert_eq!(reader.publication().await["pub"], json!({ "data": 2, "offset": 2 }));
}
