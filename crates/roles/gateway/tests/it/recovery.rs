//! Recovery: what was missed comes first, and from wherever it can be had.

use std::sync::atomic::Ordering;

use gateway::Settings;
use serde_json::json;

use crate::{client::Client, server::Server};

#[tokio::test]
async fn missed_publications_come_in_the_reply_and_longer_absences_page_by_page() {
    let server = Server::with(Settings { ring_publications: 100, ring_burst_bytes: 0, ..Default::default() }).await;
    let epoch = server.world.log.epoch();
    for number in 1..=2_000 {
        server.world.log.add("room:1", &number.to_string());
    }
    let mut client = Client::connect(&server).await;
    // From the memory of the channel, from the log in one page, from the log in many.
    for (offset, in_reply) in [(1_990, 10), (1_750, 250), (3, 300), (2_000, 0)] {
        let result = client.recover("room:1", offset, &epoch).await;
        assert_eq!((&result["recovered"], &result["was_recovering"]), (&json!(true), &json!(true)), "{offset}");
        assert_eq!((&result["offset"], &result["epoch"]), (&json!(offset), &json!(epoch)));
        let missed = result["publications"].as_array().cloned().unwrap_or_default();
        assert_eq!(missed.len(), in_reply);
        for (publication, expected) in missed.iter().zip(offset + 1..) {
            assert_eq!((&publication["offset"], &publication["data"]), (&json!(expected), &json!(expected)));
        }
        for expected in offset + 1 + in_reply as u64..=2_000 {
            assert_eq!(client.publication().await["pub"]["offset"], expected);
        }
        client.call("unsubscribe", json!({ "channel": "room:1" })).await;
    }
}

#[tokio::test]
async fn a_position_the_log_does_not_have_is_not_recovered() {
    let server = Server::with(Settings { ring_publications: 2, ring_burst_bytes: 0, ..Default::default() }).await;
    let log = &server.world.log;
    for number in 1..=10 {
        log.add("room:1", &number.to_string());
    }
    log.trim("room:1", 5);
    let epoch = log.epoch();
    let mut client = Client::connect(&server).await;
    for (offset, of) in [(11, epoch.as_str()), (u64::MAX, &epoch), (2, &epoch), (10, "other")] {
        let result = client.recover("room:1", offset, of).await;
        assert!(result.get("recovered").is_none() && result.get("publications").is_none(), "{offset} {result}");
        assert_eq!((&result["was_recovering"], &result["offset"]), (&json!(true), &json!(10)));
        client.call("unsubscribe", json!({ "channel": "room:1" })).await;
    }
    let body = json!({ "channel": "room:1", "recover": true, "offset": 2, "epoch": epoch, "flag": 2 });
    assert_eq!(client.call("subscribe", body).await["error"]["code"], 112);
    let any_epoch = client.recover("room:1", 9, "").await;
    assert_eq!((&any_epoch["recovered"], &any_epoch["epoch"]), (&json!(true), &json!(epoch)));
}

#[tokio::test]
async fn a_client_that_is_ahead_of_this_process_is_recovered_from_the_log() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    client.call("unsubscribe", json!({ "channel": "room:1" })).await;
    server.world.bus.losing.store(true, Ordering::Relaxed);
    for number in 1..=3 {
        server.world.publish("room:1", &number.to_string());
    }
    let result = client.recover("room:1", 2, &server.world.log.epoch()).await;
    assert_eq!(result["recovered"], true);
    assert_eq!(client.publication().await["pub"]["offset"], 3);
}
