//! Connections and subscriptions that run out.

use gateway::{
    Settings,
    needs::{ChannelRules, Connected, Refreshed, ServerSubscription, SubscriptionRefreshed},
};
use kernel::{Caller, Clock, Timestamp};
use serde_json::{Value, json};

use crate::{client::Client, server::Server};

/// Long enough for a refresh on a busy machine.
const LIFE_MS: i64 = 2_000;

/// A server whose patience is short.
async fn start() -> Server {
    Server::with(Settings { refresh_grace_ms: 100, ..Default::default() }).await
}

fn in_ms(server: &Server, ms: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(server.clock.now().as_millis() + ms))
}

/// Lets the token `t` in for this long, with these subscriptions.
async fn connect(
    server: &Server,
    expires_at: Option<Timestamp>,
    subscriptions: Vec<ServerSubscription>,
) -> (Client, Value) {
    let caller = Caller::anonymous([127, 0, 0, 1].into());
    let connected = Connected { expires_at, subscriptions, ..Connected::new(caller) };
    server.tokens.let_in.lock().unwrap().insert("t".into(), connected);
    let mut client = Client::open(server).await;
    let reply = client.call("connect", json!({ "token": "t" })).await;
    (client, reply)
}

#[tokio::test]
async fn a_connection_that_is_not_refreshed_ends_and_a_refreshed_one_stays() {
    let server = start().await;
    // The one that is refreshed comes first: when the other one ends, its own first life is over as well.
    let (mut careful, _) = connect(&server, in_ms(&server, LIFE_MS), vec![]).await;
    let refreshed = Refreshed { expires_at: in_ms(&server, 60_000), conn_info: Some("{\"new\":1}".into()) };
    server.tokens.refreshes.lock().unwrap().insert("fresh".into(), refreshed);
    let reply = careful.call("refresh", json!({ "token": "fresh" })).await;
    assert_eq!((&reply["refresh"]["expires"], &reply["refresh"]["ttl"]), (&json!(true), &json!(60)), "{reply}");
    let (mut idle, reply) = connect(&server, in_ms(&server, LIFE_MS), vec![]).await;
    assert_eq!((&reply["connect"]["expires"], &reply["connect"]["ttl"]), (&json!(true), &json!(2)), "{reply}");
    assert_eq!(idle.closed().await, (3005, "connection expired".into()));
    careful.subscribe("room:1").await;
    let presence = careful.call("presence", json!({ "channel": "room:1" })).await;
    let clients = presence["presence"]["presence"].as_object().unwrap();
    assert!(clients.values().all(|info| info["conn_info"] == json!({ "new": 1 })), "{presence}");
    // It may become one that never ends.
    server.tokens.refreshes.lock().unwrap().insert("for good".into(), Refreshed::default());
    let reply = careful.call("refresh", json!({ "token": "for good" })).await;
    assert_eq!(reply["refresh"].get("expires"), None, "{reply}");
}

#[tokio::test]
async fn a_refresh_fails_as_a_connect_does() {
    let server = start().await;
    let (mut client, _) = connect(&server, in_ms(&server, 60_000), vec![]).await;
    let past = Refreshed { expires_at: in_ms(&server, -1), conn_info: None };
    server.tokens.refreshes.lock().unwrap().insert("stale".into(), past);
    for (token, code) in [("expired", 109), ("unknown", 108), ("stale", 110)] {
        assert_eq!(client.call("refresh", json!({ "token": token })).await["error"]["code"], code, "{token}");
    }
    client.send("refresh", json!({ "token": "forged" })).await;
    assert_eq!(client.closed().await.0, 3500);
    let (mut client, _) = connect(&server, None, vec![]).await;
    client.send("refresh", json!({})).await;
    assert_eq!(client.closed().await.0, 3501);
    let (_, reply) = connect(&server, in_ms(&server, 0), vec![]).await;
    assert_eq!(reply["error"]["code"], 110, "{reply}");
}

#[tokio::test]
async fn a_subscription_that_is_not_refreshed_ends_with_a_code_to_subscribe_again() {
    let server = start().await;
    let world = &server.world;
    for channel in ["room:idle", "room:kept"] {
        world.offer(channel, |rules| ChannelRules { expires_at: in_ms(&server, LIFE_MS), ..rules });
    }
    let mut client = Client::connect(&server).await;
    client.subscribe("room:kept").await;
    let refreshed = SubscriptionRefreshed { expires_at: in_ms(&server, 60_000), chan_info: Some("7".into()) };
    world.refreshes.lock().unwrap().insert("fresh".into(), refreshed);
    let reply = client.call("sub_refresh", json!({ "channel": "room:kept", "token": "fresh" })).await;
    assert_eq!(reply["sub_refresh"], json!({ "expires": true, "ttl": 60 }));
    let result = client.subscribe("room:idle").await;
    assert_eq!((&result["expires"], &result["ttl"]), (&json!(true), &json!(2)));
    let ended = json!({ "code": 2501, "reason": "subscription expired" });
    assert_eq!(client.message().await["push"], json!({ "channel": "room:idle", "unsubscribe": ended }));
    world.publish("room:idle", "1");
    world.publish("room:kept", "2");
    assert_eq!(client.publication().await["pub"]["data"], 2);
    assert_eq!(server.gateway.presence("room:kept", 1).unwrap()[0].chan_info.as_deref(), Some(&b"7"[..]));
    for (body, code) in [
        (json!({ "channel": "room:kept", "token": "unknown" }), 108),
        (json!({ "channel": "room:other", "token": "fresh" }), 103),
    ] {
        assert_eq!(client.call("sub_refresh", body.clone()).await["error"]["code"], code, "{body}");
    }
    world.offer("room:over", |rules| ChannelRules { expires_at: in_ms(&server, -5), ..rules });
    assert_eq!(client.call("subscribe", json!({ "channel": "room:over" })).await["error"]["code"], 110);
    client.send("sub_refresh", json!({ "channel": "room:kept" })).await;
    assert_eq!(client.closed().await.0, 3501);
}

#[tokio::test]
async fn a_subscription_the_server_made_ends_with_the_connection() {
    let server = start().await;
    let rules = ChannelRules { expires_at: in_ms(&server, 300), ..ChannelRules::default() };
    let (mut client, reply) = connect(&server, None, vec![ServerSubscription::new("mine", rules)]).await;
    assert_eq!(reply["connect"]["subs"]["mine"], json!({ "expires": true, "ttl": 1 }), "{reply}");
    assert_eq!(client.closed().await, (3006, "subscription expired".into()));
}
