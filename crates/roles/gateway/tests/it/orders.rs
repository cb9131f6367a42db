//! What the server does to connections, and the subscriptions it makes.

use bytes::Bytes;
use gateway::{
    ChannelSummary, Target,
    needs::{ChannelRules, Connected, Refreshed, Room, ServerSubscription},
    protocol::{History, codes},
};
use kernel::{Caller, Clock, Timestamp};
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

fn kept(server: &Server, channel: &str) -> ServerSubscription {
    let rules = ChannelRules::kept(Room::new(server.world.log.clone(), channel));
    ServerSubscription::new(channel, rules)
}

fn user(name: &str) -> Target {
    Target::User { user: name.into(), except: vec![] }
}

async fn connect(server: &Server, subscriptions: Vec<ServerSubscription>, subs: Value) -> (Client, Value) {
    let caller = Caller::anonymous([127, 0, 0, 1].into());
    let connected = Connected { user: "u".into(), subscriptions, data: Some("[1]".into()), ..Connected::new(caller) };
    server.tokens.let_in.lock().unwrap().insert("t".into(), connected);
    let mut client = Client::open(server).await;
    let reply = client.call("connect", json!({ "token": "t", "subs": subs })).await;
    (client, reply["connect"].clone())
}

#[tokio::test]
async fn a_client_is_subscribed_with_its_connection_and_recovers_with_it() {
    let server = Server::start().await;
    let world = &server.world;
    world.log.add("inbox:u", "1");
    let epoch = world.log.epoch();
    let (mut client, result) =
        connect(&server, vec![kept(&server, "inbox:u"), kept(&server, "inbox:u")], json!({})).await;
    assert_eq!(result["data"], json!([1]));
    let expected = json!({ "recoverable": true, "positioned": true, "epoch": epoch, "offset": 1 });
    assert_eq!(result["subs"], json!({ "inbox:u": expected }), "{result}");
    world.publish("inbox:u", "2");
    assert_eq!(client.publication().await, json!({ "channel": "inbox:u", "pub": { "data": 2, "offset": 2 } }));
    world.publish("inbox:u", "3");
    assert_eq!(client.publication().await["pub"]["offset"], 3, "named twice, subscribed once");
    assert_eq!(client.call("subscribe", json!({ "channel": "inbox:u" })).await["error"]["code"], 105);
    drop(client);
    for number in 4..=700 {
        world.publish("inbox:u", &number.to_string());
    }
    let position = json!({ "recover": true, "offset": 2, "epoch": epoch });
    let subs = json!({ "inbox:u": position, "room:not asked for": position });
    let (mut client, result) = connect(&server, vec![kept(&server, "inbox:u")], subs).await;
    assert_eq!(result["subs"].as_object().unwrap().len(), 1, "{result}");
    let recovered = &result["subs"]["inbox:u"];
    assert_eq!((&recovered["recovered"], &recovered["offset"]), (&json!(true), &json!(2)));
    let first = recovered["publications"].as_array().unwrap();
    for (publication, offset) in first.iter().zip(3..) {
        assert_eq!(publication["offset"], offset);
    }
    for offset in 3 + first.len()..=700 {
        assert_eq!(client.publication().await["pub"]["offset"], offset);
    }
}

#[tokio::test]
async fn another_history_of_a_subscription_the_server_made_ends_the_connection() {
    let server = Server::start().await;
    let (mut client, _) = connect(&server, vec![kept(&server, "inbox:u")], json!({})).await;
    server.world.log.reset("inbox:u", "new");
    server.world.publish("inbox:u", "1");
    assert_eq!(client.closed().await, (3010, "insufficient state".into()));
}

#[tokio::test]
async fn the_server_subscribes_and_unsubscribes_a_user_on_all_its_connections() {
    let server = Server::start().await;
    let (world, gateway) = (&server.world, &server.gateway);
    let mut phone = Client::connect_as(&server, "5").await;
    let mut laptop = Client::connect_as(&server, "5").await;
    let mut other = Client::connect_as(&server, "6").await;
    assert_eq!(gateway.subscribe(&user("5"), &kept(&server, "room:1")), 2);
    assert_eq!(gateway.subscribe(&user("nobody"), &kept(&server, "room:1")), 0);
    let expected = json!({ "recoverable": true, "positioned": true, "epoch": world.log.epoch(), "offset": 0 });
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.message().await["push"], json!({ "channel": "room:1", "subscribe": expected }));
    }
    world.publish("room:1", "1");
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.publication().await["pub"]["data"], 1);
    }
    let summary = |channels: Vec<ChannelSummary>| -> Vec<(String, u64)> {
        channels.iter().map(|channel| (channel.name.to_string(), channel.clients)).collect()
    };
    other.subscribe("live:1").await;
    let mut all = summary(gateway.channels(None));
    all.sort();
    assert_eq!(all, [("live:1".into(), 1), ("room:1".into(), 2)]);
    assert_eq!(summary(gateway.channels(Some("room:*"))), [("room:1".into(), 2)]);
    let info = gateway.info();
    assert_eq!((info.clients, info.users, info.channels), (3, 2, 2));

    assert_eq!(gateway.unsubscribe(&user("5"), "room:1", &codes::SERVER_UNSUBSCRIBE), 2);
    let ended = json!({ "code": 2000, "reason": "server unsubscribe" });
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.message().await["push"], json!({ "channel": "room:1", "unsubscribe": ended }));
    }
    world.publish("room:1", "2");
    assert_eq!(gateway.send(&user("5"), &Bytes::from_static(b"{\"hello\":1}")), 2);
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.message().await, json!({ "push": { "message": { "data": { "hello": 1 } } } }));
    }
}

#[tokio::test]
async fn the_server_ends_connections_of_a_user_or_one_of_them() {
    let server = Server::start().await;
    let gateway = &server.gateway;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::open(&server).await;
        let reply = client.call("connect", json!({ "token": "5" })).await;
        clients.push((client, reply["connect"]["client"].as_str().unwrap().to_owned()));
    }
    let [(mut first, first_id), (mut second, second_id), (mut third, third_id)] = clients.try_into().ok().unwrap();
    let one = |id: &str, user: Option<&str>| Target::Client { id: id.into(), user: user.map(Into::into) };
    assert_eq!(gateway.disconnect(&one(&first_id, Some("6")), &codes::FORCE_NO_RECONNECT), 0);
    assert_eq!(gateway.disconnect(&one(&first_id, Some("5")), &codes::FORCE_NO_RECONNECT), 1);
    assert_eq!(first.closed().await, (3503, "force disconnect".into()));
    let others = Target::User { user: "5".into(), except: vec![second_id.clone()] };
    let own = codes::Disconnect { code: 4321, reason: "because".to_owned().into() };
    while gateway.info().clients > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.disconnect(&others, &own), 1);
    assert_eq!(third.closed().await, (4321, "because".into()));
    assert_eq!(gateway.disconnect(&one(&third_id, None), &own), 0, "gone");
    let at = Timestamp::from_millis(server.clock.now().as_millis() + 90_000);
    let refreshed = Refreshed { expires_at: Some(at), conn_info: None };
    assert_eq!(gateway.refresh(&one(&second_id, None), &refreshed), 1);
    assert_eq!(second.message().await, json!({ "push": { "refresh": { "expires": true, "ttl": 90 } } }));
    let past = Refreshed { expires_at: Some(Timestamp::from_millis(0)), conn_info: None };
    gateway.refresh(&one(&second_id, None), &past);
    assert_eq!(second.closed().await.0, 3005);
}

#[tokio::test]
async fn a_connection_that_is_stuck_is_ended_as_well() {
    let server = Server::start().await;
    let mut stuck = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    stuck.call("connect", json!({ "token": "5" })).await;
    stuck.send("rpc", json!({ "method": "hang" })).await;
    // What is ordered waits for the command under way; the end does not.
    server.gateway.unsubscribe(&user("5"), "room:1", &codes::SERVER_UNSUBSCRIBE);
    server.gateway.disconnect(&user("5"), &codes::FORCE_RECONNECT);
    assert_eq!(stuck.closed().await, (3011, "force reconnect".into()));
}

#[tokio::test]
async fn more_than_a_connection_may_hold_ends_it_and_lets_it_come_back() {
    let server = Server::start().await;
    let mut client = Client::connect_as(&server, "5").await;
    client.send("rpc", json!({ "method": "hang" })).await;
    for number in 0..2_000 {
        server.gateway.send(&user("5"), &Bytes::from_static(b"1"));
        if number % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(client.closed().await, (3008, "slow".into()));
    Client::connect_as(&server, "5").await.call("ping", json!({})).await;

    let mut deaf = Client::open_with(&server, "", &[], Some(4_096)).await.unwrap();
    deaf.call("connect", json!({ "token": "6" })).await;
    let large = Bytes::from(format!("{:?}", "x".repeat(100_000)));
    let mut told = 0;
    while server.gateway.send(&user("6"), &large) == 1 {
        told += 1;
        assert!(told < 2_000, "a client that reads nothing is sent ever more");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(told > 80, "ended after {told} messages already");
}

#[tokio::test]
async fn the_server_reads_history_by_pages() {
    let server = Server::start().await;
    for number in 1..=5 {
        server.world.log.add("room:1", &number.to_string());
    }
    let room = || Room::new(server.world.log.clone(), "room:1");
    let ask = History { limit: 2, reverse: true, ..History::default() };
    let page = server.gateway.history(room(), &ask).await.unwrap().unwrap();
    let offsets: Vec<u64> = page.publications.iter().map(|publication| publication.offset).collect();
    assert_eq!((offsets, page.offset, page.epoch), (vec![5, 4], 5, server.world.log.epoch()));
    let since = Some(gateway::protocol::Since { offset: 1, epoch: "other".into() });
    assert_eq!(server.gateway.history(room(), &History { since, ..ask }).await.unwrap(), None);
}

#[tokio::test]
async fn a_subscription_beyond_the_limit_is_not_dropped_in_silence() {
    let server = Server::start().await;
    let mut client = Client::connect_as(&server, "5").await;
    for number in 0..128 {
        client.subscribe(&format!("room:{number}")).await;
    }
    server.gateway.subscribe(&user("5"), &kept(&server, "room:7"));
    assert_eq!(client.call("ping", json!({})).await["ping"], json!({}), "it has this one");
    server.gateway.subscribe(&user("5"), &kept(&server, "room:more"));
    assert_eq!(client.closed().await, (3505, "channel limit".into()));
}
