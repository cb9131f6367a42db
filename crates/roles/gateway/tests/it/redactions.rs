//! What is redacted in the log is not served from memory any more.

use std::sync::atomic::Ordering;

use gateway::Settings;
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

/// What a client that comes back from `offset` gets in the reply.
async fn recovered(server: &Server, offset: u64) -> Vec<Value> {
    let mut client = Client::connect(server).await;
    let result = client.recover("room:1", offset, &server.world.log.epoch()).await;
    assert_eq!(result["recovered"], true, "{result}");
    let publications = result["publications"].as_array().unwrap();
    publications
        .iter()
        .zip(offset + 1..)
        .map(|(publication, offset)| {
            assert_eq!(publication["offset"], offset);
            publication["data"].clone()
        })
        .collect()
}

#[tokio::test]
async fn who_comes_back_right_after_a_redaction_gets_the_replacement() {
    let server = Server::start().await;
    let world = &server.world;
    let mut reader = Client::connect(&server).await;
    reader.subscribe("room:1").await;
    for data in ["1", "\"secret\"", "3"] {
        world.publish("room:1", data);
        reader.publication().await;
    }
    let reads = world.log.reads.load(Ordering::Relaxed);
    world.redact("room:1", 2);
    assert_eq!(recovered(&server, 0).await, [json!(1), json!("gone"), json!(3), json!("redaction")]);
    assert_eq!(recovered(&server, 1).await, [json!("gone"), json!(3), json!("redaction")]);
    assert_eq!(world.log.reads.load(Ordering::Relaxed), reads, "all that comes from memory");
    assert_eq!(reader.publication().await["pub"]["data"], "redaction");
}

#[tokio::test]
async fn a_subscriber_that_is_behind_gets_the_replacement() {
    let server = Server::start().await;
    let world = &server.world;
    let mut reader = Client::connect(&server).await;
    reader.subscribe("room:1").await;
    let secret = world.publication(world.log.add("room:1", "\"secret\""), "\"secret\"");
    let redaction = world.redaction("room:1", 1);
    world.bus.deliver("room:1", &[secret, redaction]);
    assert_eq!(reader.publication().await["pub"]["data"], "gone");
    assert_eq!(reader.publication().await["pub"]["data"], "redaction");
}

#[tokio::test]
async fn a_redaction_the_bus_loses_ends_what_is_kept() {
    let server = Server::start().await;
    let world = &server.world;
    let mut reader = Client::connect(&server).await;
    reader.subscribe("room:1").await;
    world.publish("room:1", "\"secret\"");
    assert_eq!(reader.publication().await["pub"]["data"], "secret");
    let _lost = world.redaction("room:1", 1);
    world.publish("room:1", "3");
    for expected in [json!("redaction"), json!(3)] {
        assert_eq!(reader.publication().await["pub"]["data"], expected);
    }
    assert_eq!(recovered(&server, 0).await, [json!("gone"), json!("redaction"), json!(3)]);
}

#[tokio::test]
async fn pages_that_readers_share_are_read_again_after_a_redaction() {
    let server = Server::with(Settings { ring_publications: 2, ring_burst_bytes: 0, ..Default::default() }).await;
    let world = &server.world;
    for number in 1..=150 {
        world.log.add("room:1", &number.to_string());
    }
    let mut reader = Client::connect(&server).await;
    reader.subscribe("room:1").await;
    assert_eq!(recovered(&server, 0).await[49], 50);
    world.redact("room:1", 50);
    let publications = recovered(&server, 0).await;
    assert_eq!((&publications[48], &publications[49], &publications[50]), (&json!(49), &json!("gone"), &json!(51)));
    assert_eq!(publications.len(), 151);
}
