//! Readers that take their time: they get everything, late, and cost little.

use std::sync::atomic::Ordering;

use gateway::Settings;
use serde_json::json;

use crate::{client::Client, server::Server};

/// Larger than what the kernel buffers for both ends of a loopback connection.
const MESSAGE_BYTES: usize = 4_000;
const MESSAGES: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_for_a_while_gets_everything_in_order() {
    let settings = Settings { ring_publications: 64, ring_burst_bytes: 0, ring_bytes: 64 << 10, ..Default::default() };
    let server = Server::with(settings).await;
    let mut slow = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    slow.call("connect", json!({})).await;
    slow.subscribe("room:1").await;
    let mut fast = Client::connect(&server).await;
    fast.subscribe("room:1").await;
    let filler = "x".repeat(MESSAGE_BYTES);
    for number in 1..=MESSAGES {
        server.world.publish("room:1", &json!([number, filler]).to_string());
        if number % 50 == 0 {
            // The slow one reads nothing meanwhile; the fast one is not held up by it.
            for expected in number - 49..=number {
                assert_eq!(fast.publication().await["pub"]["offset"], expected);
            }
        }
    }
    let reads_before = server.world.log.reads.load(Ordering::Relaxed);
    for expected in 1..=MESSAGES {
        let push = slow.publication().await;
        assert_eq!(push["pub"]["offset"], expected);
        assert_eq!(push["pub"]["data"][0], expected);
    }
    let pages = server.world.log.reads.load(Ordering::Relaxed) - reads_before;
    assert!(pages > 10, "it did not fall behind the memory of the channel: the test proves nothing");
    server.world.publish("room:1", "\"live again\"");
    assert_eq!(slow.publication().await["pub"]["data"], "live again");
    assert_eq!(slow.call("ping", json!({})).await["ping"], json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_what_is_not_kept_skips_to_the_newest() {
    let server = Server::start().await;
    let mut client = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    client.call("connect", json!({})).await;
    client.subscribe("live:1").await;
    let filler = "x".repeat(16 << 10);
    for number in 1..=2_000 {
        server.world.pass("live:1", &json!([number, filler]).to_string());
        tokio::task::yield_now().await;
    }
    let (mut last, mut count) = (0, 0);
    while last < 2_000 {
        let number = client.publication().await["pub"]["data"][0].as_u64().unwrap();
        assert!(number > last);
        (last, count) = (number, count + 1);
    }
    assert!(count < 2_000, "nothing was skipped: the test proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_not_mistaken_for_a_dead_one() {
    let settings = Settings {
        ping_interval_ms: 100,
        pong_timeout_ms: 100,
        ring_publications: 64,
        ring_burst_bytes: 0,
        ring_bytes: 64 << 10,
        ..Default::default()
    };
    let server = Server::with(settings).await;
    let mut slow = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    slow.call("connect", json!({})).await;
    slow.subscribe("room:1").await;
    let filler = "x".repeat(MESSAGE_BYTES);
    for number in 1..=MESSAGES {
        server.world.publish("room:1", &json!([number, filler]).to_string());
    }
    // Longer than ping and pong together would allow.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let mut offset = 0;
    while offset < MESSAGES {
        let message = slow.message().await;
        if message == json!({}) {
            slow.send_text("{}").await;
        } else {
            offset += 1;
            assert_eq!(message["push"]["pub"]["offset"], offset);
        }
    }
}

#[tokio::test]
async fn many_publications_share_a_frame() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    let before = client.frames;
    for number in 1..=1_000 {
        server.world.publish("room:1", &number.to_string());
    }
    for expected in 1..=1_000 {
        assert_eq!(client.publication().await["pub"]["offset"], expected);
    }
    assert!(client.frames - before <= 250, "{} frames", client.frames - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_much_and_reads_nothing_is_not_answered_into_memory() {
    const REQUESTS: u32 = 60;
    let server = Server::start().await;
    for number in 1..=300 {
        server.world.log.add("room:1", &json!([number, "x".repeat(1_500)]).to_string());
    }
    let mut client = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    client.call("connect", json!({})).await;
    let ask = |id| json!({ "id": id, "history": { "channel": "room:1", "limit": 300 } }).to_string();
    client.send_text((100..100 + REQUESTS).map(ask).collect::<Vec<_>>().join("\n")).await;
    // Long enough to answer all of them.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let asked = server.world.opened.load(Ordering::Relaxed);
    assert!((2..REQUESTS as usize / 2).contains(&asked), "{asked} of {REQUESTS} requests were worked on");
    for id in 100..100 + REQUESTS {
        let reply = client.message().await;
        assert_eq!((&reply["id"], reply["history"]["publications"].as_array().map(Vec::len)), (&json!(id), Some(300)));
    }
}
