//! Many who come at once: what is told those for whom there is no place, and what becomes of those inside.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
};

use crate::{
    realtime::Connection,
    site::{PATIENCE, Site, id},
};

const CROWD: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_who_come_at_one_instant_are_all_let_in_and_hear_the_same() {
    let site = Arc::new(Site::start().await);
    let host = site.person("host").await;
    let broadcast = id(&site.broadcast(&host).await).to_owned();
    let channel = format!("chat:{broadcast}");
    let before = json!({ "channel": channel, "data": { "text": "before" } });
    let mut writer = Connection::open(&site, Some(&host)).await;
    assert!(writer.call("publish", before).await.unwrap()["publish"].is_object());

    let (doors, inside) = (Arc::new(Barrier::new(CROWD)), Arc::new(Barrier::new(CROWD + 1)));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (site, doors, inside) = (site.clone(), doors.clone(), inside.clone());
        let (channel, live) = (channel.clone(), format!("live:{broadcast}"));
        crowd.spawn(async move {
            doors.wait().await;
            let mut viewer = Connection::open(&site, None).await;
            let joined = viewer.call("subscribe", json!({ "channel": channel })).await.unwrap();
            let told = viewer.call("subscribe", json!({ "channel": live })).await.unwrap();
            inside.wait().await;
            let heard = loop {
                let publication = viewer.publication().await.unwrap();
                if publication["channel"] == channel {
                    break publication["pub"]["data"]["text"].clone();
                }
            };
            (joined["subscribe"]["offset"].clone(), told["subscribe"]["data"]["type"].clone(), heard)
        });
    }
    tokio::time::timeout(PATIENCE, inside.wait()).await.expect("all are let in");
    let stats = writer.call("presence_stats", json!({ "channel": channel })).await.unwrap();
    assert_eq!(stats["presence_stats"]["num_clients"], CROWD, "{stats}");
    let after = json!({ "channel": channel, "data": { "text": "after" } });
    assert!(writer.call("publish", after).await.unwrap()["publish"].is_object());
    for viewer in crowd.join_all().await {
        assert_eq!(viewer, (json!(1), json!("state"), json!("after")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_told_when_to_return_and_those_inside_go_on() {
    let inside = [("MADANG_GATEWAY_CONNECTIONS_MAX", "3"), ("MADANG_CHAT_RATE", "off")];
    let site = Site::start_with(&inside).await;
    let host = site.person("host").await;
    let channel = format!("chat:{}", id(&site.broadcast(&host).await));
    let mut writer = Connection::open(&site, Some(&host)).await;
    let mut readers = [Connection::open(&site, None).await, Connection::open(&site, None).await];
    for reader in &mut readers {
        reader.call("subscribe", json!({ "channel": channel })).await.unwrap();
    }

    let mut crowd = JoinSet::new();
    for number in 0..50 {
        crowd.spawn(refused(site.http));
        let data = json!({ "text": format!("message {number}") });
        writer.send("publish", json!({ "channel": channel, "data": data })).await.unwrap();
    }
    let told: Vec<u64> = crowd.join_all().await;
    assert!(told.iter().all(|seconds| (3..=15).contains(seconds)), "{told:?}");
    assert!(told.iter().collect::<BTreeSet<_>>().len() > 5, "they would all be back together: {told:?}");
    for reader in &mut readers {
        for number in 0..50 {
            let publication = reader.publication().await.unwrap();
            assert_eq!(publication["pub"]["data"]["text"], format!("message {number}"));
        }
    }
}

/// Asks for a place where there is none; after how many seconds to come back, as the header and the problem say.
async fn refused(site: std::net::SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(site).await.unwrap();
    let request = "GET /connection/websocket HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], "too_many_connections");
    let seconds = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
    assert_eq!(problem["retry_after_s"].to_string(), seconds);
    seconds.parse().unwrap()
}
