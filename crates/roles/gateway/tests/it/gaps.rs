//! What the bus loses, swaps or invents is put right from the room log.

use std::sync::atomic::Ordering;

use gateway::Settings;
use ports::bus::{Position, Publication};
use serde_json::json;

use crate::{client::Client, server::Server};

async fn expect(client: &mut Client, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let push = client.publication().await;
        assert_eq!((&push["pub"]["data"], &push["pub"]["offset"]), (&json!(number), &json!(number)));
    }
}

#[tokio::test]
async fn lost_swapped_and_doubled_publications_arrive_once_and_in_order() {
    let server = Server::start().await;
    let world = &server.world;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    world.publish("room:1", "1");
    expect(&mut client, 1..=1).await;

    for number in 2..=700 {
        world.log.add("room:1", &number.to_string());
    }
    world.publish("room:1", "701");
    expect(&mut client, 2..=701).await;

    let (first, second) = (world.log.add("room:1", "702"), world.log.add("room:1", "703"));
    world.bus.deliver("room:1", &[world.publication(second, "703"), world.publication(first, "702")]);
    world.bus.deliver("room:1", &[world.publication(first, "702"), world.publication(second, "703")]);
    world.publish("room:1", "704");
    expect(&mut client, 702..=704).await;
}

#[tokio::test]
async fn a_log_that_fails_for_a_while_delays_but_loses_nothing() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    server.world.log.failing.store(true, Ordering::Relaxed);
    server.world.log.add("room:1", "1");
    server.world.publish("room:1", "2");
    let reads = server.world.log.reads.load(Ordering::Relaxed);
    while server.world.log.reads.load(Ordering::Relaxed) < reads + 3 {
        tokio::task::yield_now().await;
    }
    server.world.log.failing.store(false, Ordering::Relaxed);
    server.world.publish("room:1", "3");
    expect(&mut client, 1..=3).await;
}

#[tokio::test]
async fn a_silent_loss_is_found_by_looking_at_the_log() {
    let server = Server::with(Settings { position_check_ms: 50, ..Default::default() }).await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    server.world.bus.losing.store(true, Ordering::Relaxed);
    server.world.publish("room:1", "1");
    expect(&mut client, 1..=1).await;
}

#[tokio::test]
async fn what_was_announced_but_never_kept_holds_nobody_up() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    server.world.bus.deliver("room:1", &[server.world.publication(9, "9")]);
    // Until the log is believed, it is asked several times.
    let reads = server.world.log.reads.load(Ordering::Relaxed);
    while server.world.log.reads.load(Ordering::Relaxed) < reads + 9 {
        tokio::task::yield_now().await;
    }
    server.world.publish("room:1", "1");
    expect(&mut client, 1..=1).await;
}

#[tokio::test]
async fn another_history_makes_subscribers_subscribe_again() {
    let server = Server::with(Settings { position_check_ms: 50, ..Default::default() }).await;
    let world = &server.world;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    client.subscribe("room:2").await;
    world.publish("room:1", "1");
    expect(&mut client, 1..=1).await;
    let before = world.log.epoch();
    world.log.reset("room:1", "new");
    world.log.add("room:1", "1");
    let position = Position { offset: 1, epoch: world.log.epoch().into() };
    world
        .bus
        .deliver("room:1", &[Publication { position: Some(position), data: "1".into(), ..Publication::default() }]);
    // The other room's history is found to be another by the look at the log.
    let mut ended = [client.message().await["push"].clone(), client.message().await["push"].clone()];
    ended.sort_by_key(|push| push["channel"].to_string());
    for (push, channel) in ended.iter().zip(["room:1", "room:2"]) {
        assert_eq!(push["channel"], channel);
        assert_eq!(push["unsubscribe"], json!({ "code": 2500, "reason": "insufficient state" }));
    }
    let again = client.recover("room:1", 1, &before).await;
    assert_eq!((&again["was_recovering"], again.get("recovered")), (&json!(true), None));
    assert_eq!((&again["offset"], &again["epoch"]), (&json!(1), &json!(world.log.epoch())));
    world.publish("room:1", "2");
    expect(&mut client, 2..=2).await;
}

#[tokio::test]
async fn a_publication_that_is_not_json_costs_only_its_data() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    server.world.publish("room:1", "not json\n{}");
    server.world.publish("room:1", "{\"two\":\n2}");
    assert_eq!(client.publication().await["pub"]["data"], json!(null));
    assert_eq!(client.publication().await["pub"]["data"], json!({ "two": 2 }));
}

#[tokio::test]
async fn a_channel_nobody_listens_to_is_given_up_and_can_be_had_again() {
    let server = Server::with(Settings { channel_idle_ms: 40, ..Default::default() }).await;
    let world = &server.world;
    for round in 1..=3 {
        let mut client = Client::connect(&server).await;
        client.subscribe("room:1").await;
        assert!(world.bus.channels.lock().unwrap().contains("room:1"));
        world.publish("room:1", &round.to_string());
        expect(&mut client, round..=round).await;
        drop(client);
        while world.bus.channels.lock().unwrap().contains("room:1") {
            tokio::task::yield_now().await;
        }
    }
}
