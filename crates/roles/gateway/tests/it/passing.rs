//! Publications into a channel with a log that are not kept there.

use gateway::{Settings, needs::ChannelRules};
use serde_json::json;

use crate::{client::Client, readers::DifferenceReader, server::Server};

#[tokio::test]
async fn subscribers_get_them_and_the_channels_order_has_no_hole() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut others = Vec::new();
    for _ in 0..100 {
        let mut other = Client::connect(&server).await;
        other.subscribe("room:1").await;
        others.push(other);
    }
    let epoch = client.recover("room:1", 0, "").await["epoch"].as_str().unwrap().to_owned();
    server.world.publish("room:1", "1");
    server.world.pass("room:1", "\"a\"");
    server.world.pass("room:1", "\"b\"");
    server.world.publish("room:1", "2");
    for reader in others.iter_mut().chain([&mut client]) {
        let mut passed = Vec::new();
        let mut kept = Vec::new();
        for _ in 0..4 {
            let publication = reader.publication().await["pub"].clone();
            match publication.get("offset") {
                None => passed.push(publication["data"].clone()),
                Some(offset) => kept.push((offset.clone(), publication["data"].clone())),
            }
        }
        assert_eq!(passed, [json!("a"), json!("b")]);
        assert_eq!(kept, [(json!(1), json!(1)), (json!(2), json!(2))]);
    }

    let mut late = Client::connect(&server).await;
    let recovered = late.recover("room:1", 0, &epoch).await;
    assert_eq!(recovered["publications"].as_array().unwrap().len(), 2, "what was not kept is not there: {recovered}");
    server.world.pass("room:1", "\"c\"");
    for reader in [&mut late, &mut client] {
        assert_eq!(reader.publication().await["pub"], json!({ "data": "c" }));
    }
}

#[tokio::test]
async fn a_reader_of_differences_applies_none_to_them() {
    let server = Server::with(Settings::default()).await;
    server.world.offer("room:1", |rules| ChannelRules { delta: true, ..rules });
    let mut reader = DifferenceReader::subscribe(&server, None).await;
    let state = |number: u64| json!({ "number": number, "same": "x".repeat(200) });
    for number in 0..4 {
        server.world.publish("room:1", &state(10 * number).to_string());
        assert_eq!(reader.next().await, state(10 * number));
        server.world.pass("room:1", &state(10 * number + 1).to_string());
        assert_eq!(reader.next().await, state(10 * number + 1));
    }
    assert_eq!(reader.differences, 0, "between two that are kept stands one that is not");
    server.world.publish("room:1", &state(50).to_string());
    server.world.publish("room:1", &state(60).to_string());
    assert_eq!((reader.next().await, reader.next().await, reader.differences), (state(50), state(60), 1));
}

#[tokio::test]
async fn a_reader_that_is_behind_gets_them_and_catches_up() {
    let server = Server::with(Settings { ring_publications: 2, ring_burst_bytes: 0, ..Settings::default() }).await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    // More than the ring holds, and heard of at once: they can only be read from the log.
    for number in 1..=500 {
        server.world.log.add("room:1", &number.to_string());
    }
    server.world.publish("room:1", "501");
    server.world.pass("room:1", "\"passing\"");
    let (mut next, mut passed) = (1, 0);
    while next <= 501 || passed == 0 {
        let publication = client.publication().await["pub"].clone();
        if publication["data"] == "passing" {
            passed += 1;
        } else {
            assert_eq!(publication["offset"], next);
            next += 1;
        }
    }
    assert_eq!((next, passed), (502, 1));
}
