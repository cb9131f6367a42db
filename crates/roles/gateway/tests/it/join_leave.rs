//! Who comes and who leaves, and what others see of them.

use bytes::Bytes;
use gateway::{
    Target,
    needs::{ChannelRules, Connected, Offer, ServerSubscription},
};
use kernel::Caller;
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

fn offer(server: &Server, channel: &str, join_leave: Offer) {
    let chan_info = Some(Bytes::from_static(b"{\"role\":\"guest\"}"));
    server.world.offer(channel, |rules| ChannelRules { join_leave, announced: true, chan_info, ..rules });
}

/// Lets `token` in as a user with an info of its own.
fn let_in(server: &Server, token: &str) {
    let caller = Caller::anonymous([127, 0, 0, 1].into());
    let conn_info = Some(Bytes::from(format!("{{\"name\":{token:?}}}")));
    let connected = Connected { user: format!("u{token}"), conn_info, ..Connected::new(caller) };
    server.tokens.let_in.lock().unwrap().insert(token.into(), connected);
}

/// The next push that is no publication and no ping: its channel, what it is, and of whom it tells.
async fn movement(client: &mut Client) -> (String, &'static str, Value) {
    loop {
        let message = client.message().await;
        let push = &message["push"];
        for kind in ["join", "leave"] {
            if push[kind].is_object() {
                return (push["channel"].as_str().unwrap().into(), kind, push[kind]["info"].clone());
            }
        }
        assert!(message == json!({}) || push["pub"].is_object(), "{message}");
    }
}

async fn connect(server: &Server, token: &str) -> (Client, String) {
    let_in(server, token);
    let mut client = Client::open(server).await;
    let reply = client.call("connect", json!({ "token": token })).await;
    let id = reply["connect"]["client"].as_str().unwrap().to_owned();
    (client, id)
}

fn info(user: &str, id: &str) -> Value {
    json!({
        "user": format!("u{user}"), "client": id,
        "conn_info": { "name": user }, "chan_info": { "role": "guest" },
    })
}

#[tokio::test]
async fn subscribers_that_ask_hear_who_comes_and_leaves_in_any_way() {
    let server = Server::start().await;
    offer(&server, "room:1", Offer::Asked);
    let (mut listener, own) = connect(&server, "a").await;
    let reply = listener.call("subscribe", json!({ "channel": "room:1", "join_leave": true })).await;
    assert!(reply["subscribe"].is_object(), "{reply}");
    let channel = || "room:1".to_owned();
    assert_eq!(movement(&mut listener).await, (channel(), "join", info("a", &own)), "its own coming, too");
    let (mut deaf, first) = connect(&server, "b").await;
    deaf.subscribe("room:1").await;
    assert_eq!(movement(&mut listener).await, (channel(), "join", info("b", &first)));
    deaf.call("unsubscribe", json!({ "channel": "room:1" })).await;
    assert_eq!(movement(&mut listener).await, (channel(), "leave", info("b", &first)));
    deaf.subscribe("room:1").await;
    assert_eq!(movement(&mut listener).await.1, "join");
    // Whoever did not ask gets publications and nothing else.
    server.world.publish("room:1", "1");
    assert_eq!(deaf.message().await["push"]["pub"]["data"], 1);
    drop(deaf);
    assert_eq!(movement(&mut listener).await, (channel(), "leave", info("b", &first)), "a lost connection leaves");
}

#[tokio::test]
async fn a_channel_may_tell_everybody_or_nobody() {
    let server = Server::start().await;
    offer(&server, "room:all", Offer::Always);
    offer(&server, "room:none", Offer::Never);
    let (mut client, id) = connect(&server, "a").await;
    let body = json!({ "channel": "room:none", "join_leave": true });
    client.call("subscribe", body).await;
    client.subscribe("room:all").await;
    server.world.offer("room:quiet", |rules| ChannelRules { join_leave: Offer::Always, ..rules });
    client.subscribe("room:quiet").await;
    let (mut other, other_id) = connect(&server, "b").await;
    other.subscribe("room:none").await;
    other.subscribe("room:quiet").await;
    other.subscribe("room:all").await;
    for id in [id, other_id] {
        let (channel, kind, found) = movement(&mut client).await;
        assert_eq!((channel.as_str(), kind, &found["client"]), ("room:all", "join", &json!(id)));
    }
}

#[tokio::test]
async fn who_was_subscribed_by_the_server_has_not_asked() {
    let server = Server::start().await;
    for (channel, join_leave) in [("room:asked", Offer::Asked), ("room:all", Offer::Always)] {
        offer(&server, channel, join_leave);
    }
    let (mut client, _) = connect(&server, "a").await;
    for channel in ["room:asked", "room:all"] {
        let rules = server.world.rules.lock().unwrap()[channel].clone();
        let target = Target::User { user: "ua".into(), except: vec![] };
        server.gateway.subscribe(&target, &ServerSubscription::new(channel, rules));
        assert!(client.message().await["push"]["subscribe"].is_object());
    }
    assert_eq!(movement(&mut client).await.0, "room:all");
    let (mut other, _) = connect(&server, "b").await;
    other.subscribe("room:asked").await;
    other.subscribe("room:all").await;
    assert_eq!(movement(&mut client).await.0, "room:all");
}

#[tokio::test]
async fn presence_tells_what_connection_and_subscription_tell() {
    let server = Server::start().await;
    offer(&server, "room:1", Offer::Never);
    let (mut client, id) = connect(&server, "a").await;
    client.subscribe("room:1").await;
    let reply = client.call("presence", json!({ "channel": "room:1" })).await;
    assert_eq!(reply["presence"]["presence"], json!({ &id: info("a", &id) }));
    let found = server.gateway.presence("room:1", 10).unwrap();
    assert_eq!((found.len(), found[0].client.as_str(), found[0].user.as_str()), (1, id.as_str(), "ua"));
    assert_eq!(server.gateway.presence("room:1", 0), None);
}

#[tokio::test]
async fn who_is_slow_misses_movements_and_no_publication() {
    let server = Server::start().await;
    offer(&server, "room:1", Offer::Always);
    let (mut client, _) = connect(&server, "a").await;
    client.subscribe("room:1").await;
    let (mut other, _) = connect(&server, "b").await;
    for number in 1..=400_u64 {
        other.subscribe("room:1").await;
        server.world.publish("room:1", &number.to_string());
        other.call("unsubscribe", json!({ "channel": "room:1" })).await;
    }
    let mut offset = 0;
    while offset < 400 {
        let message = client.message().await;
        if message["push"]["pub"].is_object() {
            offset += 1;
            assert_eq!(message["push"]["pub"]["offset"], offset);
        }
    }
}
