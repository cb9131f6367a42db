//! Several gateways on one Redis and one PostgreSQL are one realtime server, and any of them may die.

use std::{collections::HashSet, net::SocketAddr};

use engines::testing::RedisProcesses;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    gateway_alone::{Alone, TOKEN, read_until},
    ground,
    realtime::Connection,
    site::{Site, until},
};

/// Any one of them holds a whole crowd: while others are restarted, its clients come to whoever is there.
const SETTINGS: &str = r#"
[api]
max_connections = 40000
[gateway]
connections_max = 30000
position_check_ms = 2000
move_over_ms = 500
commands_per_second_max = 1000000
[gateway.client]
allow_anonymous_connect_without_token = true
[gateway.client.token]
hmac_secret_key = "secret"
[gateway.server_api]
key = "key"
[gateway.without_namespace]
presence = true
allow_presence_for_client = true
allow_subscribe_for_client = true
[gateway.namespaces.kept]
durable = true
force_recovery = true
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
allow_publish_for_client = true
allow_publish_for_anonymous = true
"#;

const REDIS: &str = "MADANG_TEST_REDIS_SERVER names the program, as `make test` does";

/// Gateways that share a Redis and a database.
pub(crate) struct Fleet {
    pub(crate) redis: RedisProcesses,
    pub(crate) gateways: Vec<Alone>,
}

impl Fleet {
    /// On one Redis.
    pub(crate) async fn on_one(count: usize) -> Self {
        let redis = RedisProcesses::one().expect(REDIS);
        let urls = vec![redis.urls().join(","); count];
        Self::on(redis, &urls).await
    }

    /// On a Redis Cluster of three masters and three replicas.
    pub(crate) async fn on_cluster(count: usize) -> Self {
        let redis = RedisProcesses::cluster().expect(REDIS);
        let urls = vec![redis.urls().join(","); count];
        Self::on(redis, &urls).await
    }

    /// One on a Redis for each of these ways there.
    pub(crate) async fn on(redis: RedisProcesses, urls: &[String]) -> Self {
        let sql = ground::database().await;
        let starting = urls.iter().map(|url| {
            Alone::start_on(SETTINGS, ground::owned(&[(ground::ENGINE, &sql), ("MADANG_ENGINES_REDIS", url)]))
        });
        let gateways = futures_util::future::join_all(starting).await;
        let fleet = Self { redis, gateways };
        fleet.all_know_all().await;
        fleet
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|gateway| gateway.address).collect()
    }

    pub(crate) async fn all_know_all(&self) {
        let count = self.gateways.len();
        for gateway in &self.gateways {
            until("each knows all", || async { (listed(gateway).await.len() == count).then_some(()) }).await;
        }
    }
}

/// The addresses of the gateways that clients are told of.
pub(crate) async fn listed(gateway: &Alone) -> Vec<String> {
    let list = gateway.json("GET /api/v1/gateways", "").await;
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    items.iter().map(|item| item["url"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn subscribe(gateway: &Alone, channel: &str, since: Option<&(u64, String)>) -> (Connection, Value) {
    let mut connection = Connection::at(gateway.address, TOKEN).await;
    let mut command = json!({ "channel": channel });
    if let Some((offset, epoch)) = since {
        command = json!({ "channel": channel, "recover": true, "offset": offset, "epoch": epoch });
    }
    let reply = connection.call("subscribe", command).await.unwrap()["subscribe"].take();
    assert!(reply.is_object(), "{reply}");
    (connection, reply)
}

/// Publishes so many, one after the other, each until it is acknowledged; a resend brings the same key.
pub(crate) async fn publish(gateway: &Alone, channel: &str, name: &str, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    for number in 0..count {
        let what = format!("{name} {number}");
        let command = json!({ "channel": channel, "data": what, "idempotency_key": what });
        until("it is acknowledged", || async { gateway.api("publish", &command).await.ok() }).await;
        said.push(what);
    }
    said
}

/// Reads so many publications; their offsets go on from `after` without a hole.
pub(crate) async fn read(connection: &mut Connection, after: u64, count: usize) -> Vec<String> {
    let mut read = Vec::new();
    for offset in after + 1..=after + count as u64 {
        let publication = connection.publication().await.expect("the connection stays");
        assert_eq!(publication["pub"]["offset"], offset, "{publication}");
        read.push(publication["pub"]["data"].as_str().unwrap().to_owned());
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_one_is_heard_at_all_and_all_are_asked_for_what_is_known() {
    let fleet = Fleet::on_one(3).await;
    let [one, two, three] = fleet.gateways.as_slice() else { panic!("three") };
    let (mut first, _) = subscribe(one, "lobby", None).await;
    let (mut second, _) = subscribe(two, "lobby", None).await;
    three.api("publish", &json!({ "channel": "lobby", "data": "hello" })).await.unwrap();
    for connection in [&mut first, &mut second] {
        assert_eq!(connection.publication().await.unwrap()["pub"]["data"], "hello");
    }
    for gateway in &fleet.gateways {
        let presence = gateway.api("presence", &json!({ "channel": "lobby" })).await.unwrap();
        assert_eq!(presence["presence"].as_object().unwrap().len(), 2, "{presence}");
        let stats = gateway.api("presence_stats", &json!({ "channel": "lobby" })).await.unwrap();
        assert_eq!(stats, json!({ "num_clients": 2, "num_users": 1 }));
        let channels = gateway.api("channels", &json!({})).await.unwrap();
        assert_eq!(channels["channels"], json!({ "lobby": { "num_clients": 2 } }));
        let nodes = gateway.api("info", &json!({})).await.unwrap();
        let clients = nodes["nodes"].as_array().unwrap().iter().map(|node| node["num_clients"].as_u64().unwrap());
        assert_eq!((clients.clone().count(), clients.sum::<u64>()), (3, 2));
    }
    let seen = second.call("presence", json!({ "channel": "lobby" })).await.unwrap();
    assert_eq!(seen["presence"]["presence"].as_object().unwrap().len(), 2, "{seen}");

    let emptiest = format!("ws://{}/connection/websocket", three.address);
    until("the emptiest comes first", || async { (listed(one).await[0] == emptiest).then_some(()) }).await;

    // An order reaches its user wherever it is.
    three.api("subscribe", &json!({ "user": "42", "channel": "given" })).await.unwrap();
    for connection in [&mut first, &mut second] {
        let push = connection.message().await.unwrap();
        assert_eq!(push["push"]["channel"], "given", "{push}");
    }
    three.api("disconnect", &json!({ "user": "42" })).await.unwrap();
    for connection in [&mut first, &mut second] {
        assert_eq!(connection.publication().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_write_into_one_room_at_once_lose_and_double_nothing() {
    let fleet = Fleet::on_one(3).await;
    let [one, two, three] = fleet.gateways.as_slice() else { panic!("three") };
    let (mut reader, _) = subscribe(three, "kept:a", None).await;
    let (one, two) = tokio::join!(publish(one, "kept:a", "one", 100), publish(two, "kept:a", "two", 100));
    let heard = read(&mut reader, 0, 200).await;
    for said in [&one, &two] {
        let own: Vec<&String> = heard.iter().filter(|what| said.contains(what)).collect();
        assert_eq!(own, said.iter().collect::<Vec<_>>(), "each in the order it was said");
    }
    assert_eq!(heard.iter().collect::<HashSet<_>>().len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_one_that_dies_go_on_at_another() {
    let mut fleet = Fleet::on_one(3).await;
    let dying = fleet.gateways.remove(0);
    let [two, three] = fleet.gateways.as_slice() else { panic!("three") };
    let (mut reader, reply) = subscribe(&dying, "kept:a", None).await;
    let (_bystander, _) = subscribe(&dying, "lobby", None).await;
    let before = publish(&dying, "kept:a", "before", 20).await;
    assert_eq!(read(&mut reader, 0, 10).await, before[..10]);
    dying.kill().await;
    let order = json!({ "user": "nobody" });
    let unsure = two.api("disconnect", &order).await.unwrap_err();
    assert_eq!(unsure["code"], 100, "it might be alive and have this user: {unsure}");
    let after = publish(two, "kept:a", "after", 5).await;

    let position = (10, reply["epoch"].as_str().unwrap().to_owned());
    let (mut reader, reply) = subscribe(three, "kept:a", Some(&position)).await;
    assert_eq!(reply["recovered"], true, "{reply}");
    let recovered: Vec<&str> =
        reply["publications"].as_array().unwrap().iter().map(|one| one["data"].as_str().unwrap()).collect();
    assert_eq!(recovered, before[10..].iter().chain(&after).collect::<Vec<_>>());
    let last = publish(two, "kept:a", "last", 3).await;
    assert_eq!(read(&mut reader, 25, 3).await, last);

    // What is known of it runs out with its lease; until then an order says that it may not have reached all.
    until("it is forgotten", || async { (listed(two).await.len() == 2).then_some(()) }).await;
    let stats = two.api("presence_stats", &json!({ "channel": "lobby" })).await.unwrap();
    assert_eq!(stats["num_clients"], 0, "{stats}");
    two.api("disconnect", &order).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_and_comes_back_empty_loses_nothing_that_was_acknowledged() {
    let mut fleet = Fleet::on_one(2).await;
    let (mut reader, _) = subscribe(&fleet.gateways[1], "kept:a", None).await;
    let mut said = publish(&fleet.gateways[0], "kept:a", "before", 20).await;
    fleet.redis.kill(0);
    // The room log is written before the answer; the bus is not needed for it.
    said.extend(publish(&fleet.gateways[0], "kept:a", "without", 2).await);
    let refused = fleet.gateways[0].api("publish", &json!({ "channel": "lobby", "data": 1 })).await.unwrap_err();
    assert_eq!(refused["code"], 100, "what is not kept cannot be heard at present: {refused}");
    fleet.redis.start(0);
    assert_eq!(read(&mut reader, 0, 22).await, said, "also if nothing is said any more");
    let after = publish(&fleet.gateways[0], "kept:a", "after", 5).await;
    assert_eq!(read(&mut reader, 22, 5).await, after);
    for gateway in &fleet.gateways {
        until("they know each other again", || async { (listed(gateway).await.len() == 2).then_some(()) }).await;
        until("orders reach all again", || async { gateway.api("disconnect", &json!({ "user": "x" })).await.ok() })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_sends_its_clients_to_the_others() {
    let mut fleet = Fleet::on_one(2).await;
    let ending = fleet.gateways.remove(0);
    let other = &fleet.gateways[0];
    // All of them write: a command under way is answered before its client is sent on.
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let channel = format!("kept:{number}");
        let (mut writer, _) = subscribe(&ending, &channel, None).await;
        writers.spawn(async move {
            let mut acknowledged = 0;
            while let Some(reply) = writer.call("publish", json!({ "channel": channel, "data": acknowledged })).await {
                assert!(reply["publish"].is_object(), "{reply}");
                acknowledged += 1;
            }
            (channel, acknowledged, writer.closed_with)
        });
    }
    until("the last one writes", || async { (past(other, "kept:19").await > 0).then_some(()) }).await;
    let stopping = tokio::spawn(ending.stop());
    until("it is not listed", || async { (listed(other).await.len() == 1).then_some(()) }).await;
    let mut clients = Vec::new();
    while let Some(writer) = writers.join_next().await {
        let (channel, acknowledged, closed_with) = writer.unwrap();
        assert_eq!(closed_with, Some(3001), "it is told to go");
        assert_eq!(past(other, &channel).await, acknowledged, "{channel}: nothing was taken and not answered");
        clients.push(Connection::at(other.address, TOKEN).await);
    }
    assert!(stopping.await.unwrap(), "it ends well");
    let nodes = other.api("info", &json!({})).await.unwrap();
    assert_eq!((nodes["nodes"].as_array().unwrap().len(), &nodes["nodes"][0]["num_clients"]), (1, &json!(20)));
}

/// How many publications a channel keeps.
async fn past(gateway: &Alone, channel: &str) -> u64 {
    gateway.api("history", &json!({ "channel": channel })).await.unwrap()["offset"].as_u64().unwrap()
}

#[tokio::test]
async fn a_redis_that_is_not_there_stops_the_start() {
    let settings = [("MADANG_ROLE", "gateway"), ("MADANG_ENGINES_REDIS", "redis://127.0.0.1:1")];
    let (status, told) = Site::refused(&settings).await;
    assert!(!status.success() && told.contains("engines.redis"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_a_session_over_http_may_come_to_any_gateway() {
    let fleet = Fleet::on_one(2).await;
    let [one, two] = fleet.gateways.as_slice() else { panic!("two") };
    let connect = json!({ "id": 1, "connect": { "token": TOKEN } }).to_string();
    let mut stream = one.request("POST /connection/http_stream", &connect).await;
    let opened = read_until(&mut stream, "\"session\"").await;
    let told =
        |name: &str| opened.split(&format!("\"{name}\":\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (session, node) = (told("session"), told("node"));
    let frame = |session: &str| {
        let command = json!({ "id": 2, "subscribe": { "channel": "lobby" } }).to_string();
        json!({ "session": session, "node": node, "data": command }).to_string()
    };
    assert!(two.answer("POST /emulation", &frame(&session)).await.starts_with("HTTP/1.1 204"));
    read_until(&mut stream, "\"id\":2").await;
    let unknown = two.answer("POST /emulation", &frame("0")).await;
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
}
