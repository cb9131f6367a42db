//! Recovery: whatever happens, each subscriber sees every offset once and in order.

use std::{collections::HashMap, sync::atomic::Ordering};

use gateway::Settings;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::{client::Client, server::Server};

#[tokio::test]
async fn missed_publications_come_in_the_reply_and_longer_absences_page_by_page() {
    let server = Server::with(Settings { ring_publications: 100, ..Default::default() }).await;
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
    let server = Server::with(Settings { ring_publications: 2, ..Default::default() }).await;
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

/// What happens in one run.
#[derive(Debug, Clone)]
enum Step {
    /// So many publications, all delivered.
    Publish(u8),
    /// So many publications the bus loses.
    Lose(u8),
    /// Publications the bus delivers backwards.
    Swap(u8),
    /// A client drops its connection and comes back with the position it has.
    Reconnect(usize),
    /// A client drops its connection and comes back with an earlier position.
    GoBack(usize, u64),
    /// A client reads what has come for it, up to so many messages.
    Read(usize, u8),
}

const CLIENTS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40_u8).prop_map(Step::Publish),
        1 => (1..40_u8).prop_map(Step::Lose),
        1 => (2..10_u8).prop_map(Step::Swap),
        3 => (0..CLIENTS).prop_map(Step::Reconnect),
        1 => (0..CLIENTS, 0..200_u64).prop_map(|(client, back)| Step::GoBack(client, back)),
        3 => (0..CLIENTS, 1..60_u8).prop_map(|(client, count)| Step::Read(client, count)),
    ]
}

/// A subscriber as the model sees it: the next offset it must get.
struct Reader {
    client: Client,
    next: u64,
}

impl Reader {
    async fn subscribe(server: &Server, from: u64) -> Self {
        let mut client = Client::connect(server).await;
        // While the reply is under way, others publish.
        let result = client.recover("room:1", from, &server.world.log.epoch()).await;
        assert_eq!((&result["recovered"], &result["offset"]), (&json!(true), &json!(from)));
        let mut reader = Self { client, next: from + 1 };
        for publication in result["publications"].as_array().into_iter().flatten() {
            reader.check(publication);
        }
        reader
    }

    async fn read(&mut self) {
        let push = self.client.publication().await;
        self.check(&push["pub"]);
    }

    fn check(&mut self, publication: &serde_json::Value) {
        assert_eq!(publication["offset"], self.next, "a hole or a repetition");
        assert_eq!(publication["data"], self.next, "something else at this offset");
        self.next += 1;
    }
}

async fn run(steps: Vec<Step>) {
    let settings = Settings { ring_publications: 16, flush_interval_max_ms: 1, ..Default::default() };
    let server = Server::with(settings).await;
    let world = server.world.clone();
    let mut published = 0;
    // The newest publication the bus has told of, and with it of all before.
    let mut told = 0;
    let mut readers = HashMap::new();
    for index in 0..CLIENTS {
        readers.insert(index, Reader::subscribe(&server, 0).await);
    }
    for step in steps {
        match step {
            Step::Publish(count) => {
                // Concurrently with whatever the clients do next.
                let world = world.clone();
                let numbers = published + 1..=published + u64::from(count);
                published += u64::from(count);
                let publishing = tokio::spawn(async move {
                    for number in numbers {
                        world.publish("room:1", &number.to_string());
                        tokio::task::yield_now().await;
                    }
                });
                let reader = readers.get_mut(&(published as usize % CLIENTS)).unwrap();
                let earlier = reader.next - 1;
                *reader = Reader::subscribe(&server, earlier).await;
                publishing.await.unwrap();
                told = published;
            }
            Step::Lose(count) => {
                world.bus.losing.store(true, Ordering::Relaxed);
                for _ in 0..count {
                    published += 1;
                    world.publish("room:1", &published.to_string());
                }
                world.bus.losing.store(false, Ordering::Relaxed);
            }
            Step::Swap(count) => {
                let texts: Vec<String> = (0..u64::from(count)).map(|step| (published + 1 + step).to_string()).collect();
                published += u64::from(count);
                let publications: Vec<_> =
                    texts.iter().map(|text| world.publication(world.log.add("room:1", text), text)).collect();
                for publication in publications.into_iter().rev() {
                    world.bus.deliver("room:1", &[publication]);
                }
                told = published;
            }
            Step::Reconnect(index) => {
                let position = readers.remove(&index).unwrap().next - 1;
                readers.insert(index, Reader::subscribe(&server, position).await);
            }
            Step::GoBack(index, back) => {
                let position = (readers.remove(&index).unwrap().next - 1).saturating_sub(back);
                readers.insert(index, Reader::subscribe(&server, position).await);
            }
            Step::Read(index, count) => {
                let reader = readers.get_mut(&index).unwrap();
                for _ in 0..u64::from(count).min((told + 1).saturating_sub(reader.next)) {
                    reader.read().await;
                }
            }
        }
    }
    published += 1;
    world.publish("room:1", &published.to_string());
    for reader in readers.values_mut() {
        while reader.next <= published {
            reader.read().await;
        }
    }
}

#[test]
fn each_subscriber_sees_every_offset_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 24, max_shrink_iters: 50, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(step(), 1..30), |steps| {
            runtime.block_on(run(steps));
            Ok(())
        })
        .unwrap();
}
