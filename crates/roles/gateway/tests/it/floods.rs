//! Clients that ask for more than anybody needs.

use futures_util::SinkExt;
use gateway::Settings;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{client::Client, server::Server};

const SUBSCRIBES: u32 = 10_000;
/// So many fit a frame of 64 KiB.
const PER_FRAME: u32 = 500;

fn frames(kind: &str, body: impl Fn(u32) -> Value) -> Vec<String> {
    let ids: Vec<u32> = (1_000..1_000 + SUBSCRIBES).collect();
    let line = |id: &u32| json!({ "id": id, kind: body(*id) }).to_string();
    ids.chunks(PER_FRAME as usize).map(|ids| ids.iter().map(line).collect::<Vec<_>>().join("\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_subscribes_at_once_are_answered_and_disturb_nobody() {
    let server = Server::with(Settings { commands_per_second_max: 20_000, ..Default::default() }).await;
    let mut bystander = Client::connect(&server).await;
    bystander.subscribe("room:1").await;
    let mut flooder = Client::connect(&server).await;
    for frame in frames("subscribe", |id| json!({ "channel": format!("room:{id}") })) {
        flooder.socket.feed(Message::text(frame)).await.unwrap();
    }
    let flush = flooder.socket.flush().await;
    for number in 1..=20 {
        server.world.publish("room:1", &number.to_string());
        assert_eq!(bystander.publication().await["pub"]["data"], number);
    }
    flush.unwrap();
    for id in 1_000..1_000 + SUBSCRIBES {
        let reply = flooder.message().await;
        let expected = if id < 1_128 { &reply["subscribe"]["recoverable"] } else { &reply["error"]["code"] };
        assert_eq!((&reply["id"], expected), (&json!(id), &if id < 1_128 { json!(true) } else { json!(106) }));
    }
    assert_eq!(server.gateway.channels(None).len(), 129);
}

#[tokio::test]
async fn far_more_commands_than_allowed_end_only_who_sent_them() {
    let server = Server::start().await;
    let mut bystander = Client::connect(&server).await;
    bystander.subscribe("room:1").await;
    let mut flooder = Client::connect(&server).await;
    for frame in frames("presence_stats", |_| json!({ "channel": "room:1" })).into_iter().cycle().take(60) {
        if flooder.socket.send(Message::text(frame)).await.is_err() {
            break;
        }
    }
    assert_eq!(flooder.closed().await.0, 3013);
    server.world.publish("room:1", "1");
    assert_eq!(bystander.publication().await["pub"]["data"], 1);
    while server.gateway.connections() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_frame_as_large_as_allowed_is_served_and_a_larger_one_ends_its_client() {
    let server = Server::start().await;
    let mut client = Client::connect_as(&server, "5").await;
    let command = |filler: usize| {
        let data = "x".repeat(filler);
        json!({ "id": 7, "publish": { "channel": "room:1", "data": data } }).to_string()
    };
    let rest = command(0).len();
    client.send_text(command((64 << 10) - rest)).await;
    assert_eq!(client.reply(7).await["publish"], json!({}));
    client.send_text(command((64 << 10) - rest + 1)).await;
    assert_eq!(client.closed().await.0, 1009);
}
