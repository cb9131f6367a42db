//! Every command, and its errors.

use gateway::PresenceStats;
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

fn error(reply: &Value) -> (u64, bool) {
    let error = &reply["error"];
    assert!(error["message"].is_string(), "{reply}");
    (error["code"].as_u64().unwrap(), error["temporary"].as_bool().unwrap_or(false))
}

#[tokio::test]
async fn connect_tells_the_client_its_id_and_the_ping_interval() {
    let server = Server::start().await;
    let mut client = Client::open(&server).await;
    let reply = client.call("connect", json!({ "name": "test", "unknown": [1] })).await;
    let result = &reply["connect"];
    assert_eq!((result["ping"].as_u64(), result["pong"].as_bool()), (Some(25), Some(true)), "{reply}");
    assert_eq!(result["time"], 1_767_225_600_007_i64);
    let other = Client::open(&server).await.call("connect", json!({})).await;
    assert_ne!(result["client"], other["connect"]["client"]);
    assert_eq!(client.call("ping", json!({})).await["ping"], json!({}));
}

#[tokio::test]
async fn a_publication_reaches_every_subscriber_with_its_offset() {
    let server = Server::start().await;
    let mut reader = Client::connect(&server).await;
    let mut writer = Client::connect_as(&server, "5").await;
    let subscribed = reader.subscribe("room:1").await;
    let expected = json!({ "recoverable": true, "positioned": true, "epoch": server.world.log.epoch(), "offset": 0 });
    assert_eq!(subscribed, expected);
    writer.subscribe("room:1").await;
    let reply = writer.call("publish", json!({ "channel": "room:1", "data": { "text": "안녕\n\"" } })).await;
    assert_eq!(reply["publish"], json!({}));
    for client in [&mut reader, &mut writer] {
        let push = client.publication().await;
        assert_eq!(push["channel"], "room:1");
        let first = json!({ "data": { "text": "안녕\n\"" }, "offset": 1, "epoch": server.world.log.epoch() });
        assert_eq!(push["pub"], first);
    }
    server.world.publish("room:1", "2");
    assert_eq!(reader.publication().await["pub"], json!({ "data": 2, "offset": 2 }));
}

#[tokio::test]
async fn commands_are_answered_in_their_order_and_publications_keep_it() {
    let server = Server::start().await;
    let mut client = Client::connect_as(&server, "5").await;
    client.subscribe("room:1").await;
    let mut frame = Vec::new();
    for id in 100..300 {
        let channel = if id % 50 == 0 { "room:2" } else { "room:1" };
        frame.push(json!({ "id": id, "publish": { "channel": channel, "data": id } }).to_string());
        if id % 20 == 0 {
            frame.push(json!({ "id": id + 1000, "rpc": { "method": "echo", "data": { "id": id } } }).to_string());
        }
    }
    client.send_text(frame.join("\n")).await;
    let (mut replies, mut published) = (Vec::new(), Vec::new());
    while replies.len() < 210 || published.len() < 196 {
        let message = client.message().await;
        match message["id"].as_u64() {
            Some(id) => replies.push(id),
            None => published.push(message["push"]["pub"]["data"].as_u64().unwrap()),
        }
    }
    let expected: Vec<u64> =
        (100..300).flat_map(|id| std::iter::once(id).chain((id % 20 == 0).then_some(id + 1000))).collect();
    assert_eq!(replies, expected);
    assert_eq!(published, (100..300).filter(|id| id % 50 != 0).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_a_caller_may_not_do_is_an_error_with_its_code() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("room:1").await;
    client.subscribe("live:1").await;
    let long = "room:".to_owned() + &"x".repeat(251);
    let cases = [
        ("subscribe", json!({ "channel": "secret:1" }), (103, false)),
        ("subscribe", json!({ "channel": "nonsense" }), (102, false)),
        ("subscribe", json!({ "channel": "room:1" }), (105, false)),
        ("subscribe", json!({ "channel": long }), (107, false)),
        ("publish", json!({ "channel": "room:1", "data": {} }), (101, false)),
        ("publish", json!({ "channel": "room:1" }), (107, false)),
        ("publish", json!({ "data": {} }), (107, false)),
        ("history", json!({ "channel": "live:1" }), (108, false)),
        ("history", json!({ "channel": "secret:1" }), (103, false)),
        ("history", json!({ "channel": "room:1", "since": { "offset": 0, "epoch": "other" } }), (112, false)),
        ("presence", json!({ "channel": "live:1" }), (108, false)),
        ("presence_stats", json!({ "channel": "live:1" }), (108, false)),
        ("rpc", json!({ "method": "none", "data": 1 }), (104, false)),
        ("refresh", json!({ "token": "x" }), (108, false)),
        ("sub_refresh", json!({ "channel": "room:1", "token": "x" }), (108, false)),
        ("map_publish", json!({}), (104, false)),
    ];
    for (kind, body, expected) in cases {
        let reply = client.call(kind, body.clone()).await;
        assert_eq!(error(&reply), expected, "{kind} {body} {reply}");
    }
    server.world.log.failing.store(true, std::sync::atomic::Ordering::Relaxed);
    for (kind, body) in [("subscribe", json!({ "channel": "room:9" })), ("history", json!({ "channel": "room:1" }))] {
        assert_eq!(error(&client.call(kind, body).await), (100, true));
    }
    server.world.log.failing.store(false, std::sync::atomic::Ordering::Relaxed);
    client.subscribe("room:9").await;
}

#[tokio::test]
async fn a_connection_has_a_limit_of_subscriptions_and_unsubscribing_makes_room() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for number in 0..128 {
        client.subscribe(&format!("room:{number}")).await;
    }
    let one_more = client.call("subscribe", json!({ "channel": "room:more" })).await;
    assert_eq!(error(&one_more), (106, false));
    assert!(one_more["error"]["message"].as_str().unwrap().contains("128"), "{one_more}");
    assert_eq!(client.call("unsubscribe", json!({ "channel": "room:7" })).await["unsubscribe"], json!({}));
    assert_eq!(client.call("unsubscribe", json!({ "channel": "room:7" })).await["unsubscribe"], json!({}));
    client.subscribe("room:more").await;
    server.world.publish("room:7", "\"not for us\"");
    server.world.publish("room:127", "\"for us\"");
    assert_eq!(client.publication().await["pub"]["data"], "for us");
}

#[tokio::test]
async fn history_is_read_forwards_backwards_and_from_a_position() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let epoch = server.world.log.epoch();
    for number in 1..=400 {
        server.world.log.add("room:1", &number.to_string());
    }
    let cases = [
        (json!({}), vec![]),
        (json!({ "limit": 3 }), vec![1, 2, 3]),
        (json!({ "limit": 3, "reverse": true }), vec![400, 399, 398]),
        (json!({ "limit": 2, "since": { "offset": 398, "epoch": epoch } }), vec![399, 400]),
        (json!({ "limit": 2, "since": { "offset": 3, "epoch": epoch }, "reverse": true }), vec![2, 1]),
        (json!({ "limit": -1 }), (1..=300).collect()),
        (json!({ "limit": 1000, "since": { "offset": 50, "epoch": "" } }), (51..=350).collect()),
    ];
    for (mut body, expected) in cases {
        body["channel"] = "room:1".into();
        let reply = client.call("history", body.clone()).await;
        let result = &reply["history"];
        assert_eq!((result["offset"].as_u64(), result["epoch"].as_str()), (Some(400), Some(&*epoch)), "{body} {reply}");
        let publications = result["publications"].as_array().unwrap();
        let offsets: Vec<u64> = publications.iter().map(|found| found["offset"].as_u64().unwrap()).collect();
        assert_eq!(offsets, expected, "{body}");
        assert!(publications.iter().all(|found| found["data"] == found["offset"]));
    }
}

#[tokio::test]
async fn presence_names_clients_and_counts_users() {
    let server = Server::start().await;
    let mut anonymous = Client::connect(&server).await;
    let mut phone = Client::connect_as(&server, "5").await;
    let mut laptop = Client::connect_as(&server, "5").await;
    for client in [&mut anonymous, &mut phone, &mut laptop] {
        client.subscribe("room:1").await;
    }
    let stats = |clients, users| json!({ "num_clients": clients, "num_users": users });
    assert_eq!(phone.call("presence_stats", json!({ "channel": "room:1" })).await["presence_stats"], stats(3, 2));
    let presence = phone.call("presence", json!({ "channel": "room:1" })).await;
    let clients = presence["presence"]["presence"].as_object().unwrap();
    assert!(clients.iter().all(|(id, info)| info["client"] == **id), "{presence}");
    let mut users: Vec<&str> = clients.values().map(|info| info["user"].as_str().unwrap()).collect();
    users.sort_unstable();
    assert_eq!(users, ["", "5", "5"]);
    assert_eq!(server.gateway.presence_stats("room:1"), PresenceStats { clients: 3, users: 2 });
    laptop.call("unsubscribe", json!({ "channel": "room:1" })).await;
    drop(anonymous);
    while server.gateway.connections() > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(phone.call("presence_stats", json!({ "channel": "room:1" })).await["presence_stats"], stats(1, 1));
    let empty = phone.call("presence", json!({ "channel": "room:empty" })).await;
    assert_eq!(empty["presence"], json!({ "presence": {} }));
}

#[tokio::test]
async fn rpc_carries_json_through_and_a_sent_message_has_no_answer() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .send_text("{\"send\":{\"data\":{}}}\n{\"id\":50,\"rpc\":{\"method\":\"echo\",\"data\":[1, \"\\u0041\"]}}")
        .await;
    assert_eq!(client.reply(50).await, json!({ "id": 50, "rpc": { "data": [1, "A"] } }));
    assert_eq!(client.call("rpc", json!({ "method": "echo" })).await["rpc"]["data"], Value::Null);
}

#[tokio::test]
async fn a_channel_that_is_not_kept_greets_with_its_state_and_goes_on_from_there() {
    let server = Server::start().await;
    let mut first = Client::connect(&server).await;
    assert_eq!(first.subscribe("live:1").await, json!({ "data": { "n": 0 } }));
    server.world.pass("live:1", "{\"n\":1}");
    assert_eq!(first.publication().await, json!({ "channel": "live:1", "pub": { "data": { "n": 1 } } }));
    let mut second = Client::connect(&server).await;
    assert_eq!(second.subscribe("live:1").await, json!({ "data": { "n": 1 } }));
    server.world.pass("live:1", "{\"n\":2}");
    for client in [&mut first, &mut second] {
        assert_eq!(client.publication().await["pub"]["data"]["n"], 2);
    }
}

#[tokio::test]
async fn a_cookie_signs_in_and_a_token_wins_over_it() {
    let server = Server::start().await;
    let headers = [("cookie", "theme=dark; madang_session=8")];
    for (body, user) in [(json!({}), "8"), (json!({ "token": "9" }), "9")] {
        let mut client = Client::open_with(&server, "", &headers, None).await.unwrap();
        client.call("connect", body).await;
        client.subscribe("room:1").await;
        let presence = client.call("presence", json!({ "channel": "room:1" })).await;
        let clients = presence["presence"]["presence"].as_object().unwrap();
        assert!(clients.values().any(|info| info["user"] == user), "{presence}");
    }
}

#[tokio::test]
async fn more_commands_than_allowed_fail_and_far_more_end_the_connection() {
    let settings = gateway::Settings { commands_per_second_max: 10, ..Default::default() };
    let server = Server::with(settings).await;
    let mut client = Client::connect(&server).await;
    let pings: Vec<String> = (2..=16).map(|id| json!({ "id": id, "ping": {} }).to_string()).collect();
    client.send_text(pings.join("\n")).await;
    assert_eq!(client.reply(2).await["ping"], json!({}));
    assert_eq!(error(&client.reply(15).await), (111, true));
    client.send_text(pings.join("\n")).await;
    assert_eq!(client.closed().await.0, 3013);
}
