//! Where an account is signed in, seen, moved and ended over several gateways.

use std::time::{Duration, Instant};

use hyper::Method;
use madang::client::ApiClient;
use serde_json::{Value, json};

use crate::{
    parts::{Ground, Process},
    realtime::Connection,
    site::{PATIENCE, Site, id, refusal, until},
};

/// What the issue promises for "anywhere", and a little for a machine that does other things.
const ENDED_WITHIN: Duration = Duration::from_millis(2_500);

async fn sign_in(api: &ApiClient, handle: &str) -> String {
    let answer = api.post("/api/v1/sessions", None, &json!({ "handle": handle, "password": "correct horse" })).await;
    answer.unwrap()["token"].as_str().unwrap().to_owned()
}

async fn connect(gateway: &Process, token: &str) -> Connection {
    Connection::at(gateway.http, token).await
}

/// Waits for the end of a connection; how long that took, and its code.
async fn ended(mut connection: Connection) -> (Duration, Option<u16>) {
    let begun = Instant::now();
    let ends = async { while connection.message().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ends).await.expect("it ends");
    (begun.elapsed(), connection.closed_with)
}

async fn sessions(api: &ApiClient, path: &str, token: &str) -> Vec<Value> {
    api.get(path, Some(token)).await.unwrap()["items"].as_array().unwrap().clone()
}

fn gateways(session: &Value) -> Vec<&str> {
    let connections = session["connections"].as_array().unwrap();
    connections.iter().map(|connection| connection["gateway"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_and_ended_on_whichever_gateway_they_are() {
    let ground = Ground::new().await;
    let api = ground.process("api", "api", &[]).await;
    let one = ground.process("gateway", "gateway-1", &[]).await;
    let other = ground.process("gateway", "gateway-2", &[]).await;
    let (boss, fan) = (api.person("boss").await, api.person("fan").await);
    ground.grant("boss").await;
    let (phone, laptop) = (sign_in(&api.api, "fan").await, sign_in(&api.api, "fan").await);
    let (at_one, at_other) = (connect(&one, &phone).await, connect(&other, &laptop).await);
    let again_at_other = connect(&other, &phone).await;
    let mut stays = connect(&one, &boss).await;

    // Each gateway knows all of it; whose connections they are, and who may know.
    let account = api.api.get("/api/v1/me", Some(&fan)).await.unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/admin/accounts/{account}/sessions");
    for gateway in [&one, &other] {
        let seen = sessions(&gateway.api, &path, &boss).await;
        assert_eq!(seen.len(), 3, "{seen:?}");
        let connected: Vec<usize> = seen.iter().map(|session| gateways(session).len()).collect();
        assert_eq!((connected.iter().sum::<usize>(), connected.iter().max()), (3, Some(&2)), "{seen:?}");
        let phone = seen.iter().find(|session| gateways(session).len() == 2).unwrap();
        assert_ne!(gateways(phone)[0], gateways(phone)[1], "on two gateways");
        assert!(phone["signed_in_at"].is_string() && phone["connections"][0]["since"].is_string(), "{phone}");
    }
    assert_eq!(refusal(one.api.get(&path, Some(&fan)).await), (403, "not_allowed".into()));
    let mine = sessions(&other.api, "/api/v1/me/sessions", &laptop).await;
    let current: Vec<_> = mine.iter().filter(|session| session["current"] == true).collect();
    assert_eq!((current.len(), gateways(current[0]).len()), (1, 1), "{mine:?}");

    // One is ended, at a gateway that has one of its two connections.
    let phone_id = mine.iter().find(|session| gateways(session).len() == 2).unwrap()["id"].as_str().unwrap().to_owned();
    let kick = format!("{path}/{phone_id}");
    one.api.call(Method::DELETE, &kick, Some(&boss), &Value::Null).await.unwrap();
    let (here, there) = tokio::join!(ended(at_one), ended(again_at_other));
    for (took, code) in [here, there] {
        assert!(took < ENDED_WITHIN, "{took:?}");
        assert_eq!(code, Some(3500), "the client stays away");
    }
    assert_eq!(
        refusal(one.api.call(Method::DELETE, &kick, Some(&boss), &Value::Null).await),
        (404, "no_such_session".into())
    );
    assert_eq!(sessions(&one.api, "/api/v1/me/sessions", &laptop).await.len(), 2);

    // A gateway dies: what it had is gone with it, and the other one tells of its own.
    drop(at_other);
    let mut at_other = connect(&other, &laptop).await;
    other.kill().await;
    assert!(at_other.message().await.is_none());
    let elsewhere = connect(&one, &laptop).await;
    until("its connections are seen no longer", || async {
        let mine = sessions(&one.api, "/api/v1/me/sessions", &laptop).await;
        let connected: usize = mine.iter().map(|session| gateways(session).len()).sum();
        (connected == 1).then_some(())
    })
    .await;
    one.api.call(Method::DELETE, &path, Some(&boss), &Value::Null).await.unwrap();
    let (took, code) = ended(elsewhere).await;
    assert!(took < ENDED_WITHIN && code == Some(3500), "{took:?} {code:?}");
    until("an API believes it no longer", || async { api.api.get("/api/v1/me", Some(&fan)).await.err() }).await;
    assert!(stays.call("subscribe", json!({ "channel": "live:1" })).await.is_some(), "others stay");
}

/// Says so many things, one after the other; each is acknowledged.
async fn speak(mut speaker: Connection, chat: String, count: u64) {
    for number in 1..=count {
        let said = json!({ "channel": chat, "data": { "text": number.to_string(), "client_id": number.to_string() } });
        assert!(speaker.call("publish", said).await.expect("the speaker stays")["publish"].is_object());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_to_another_gateway_in_the_middle_of_a_talk_and_misses_nothing() {
    const SAID: u64 = 400;
    let ground = Ground::new().await;
    let api = ground.process("api", "api", &[]).await;
    let no_limits = [("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")];
    let mut one = ground.process("gateway", "gateway-1", &no_limits).await;
    let other = ground.process("gateway", "gateway-2", &no_limits).await;
    let (boss, fan) = (api.person("boss").await, api.person("fan").await);
    ground.grant("boss").await;
    let broadcast = api.api.post("/api/v1/broadcasts", Some(&boss), &json!({ "title": "Moving" })).await.unwrap();
    let chat = format!("chat:{}", id(&broadcast));
    let phone = sign_in(&api.api, "fan").await;
    let (mut listener, subscribed) = one.subscribe(&phone, &chat).await;
    let mut laptop = connect(&one, &fan).await;
    let account = api.api.get("/api/v1/me", Some(&fan)).await.unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/admin/accounts/{account}/sessions");
    let of_phone = sessions(&one.api, "/api/v1/me/sessions", &phone).await;
    let of_phone = of_phone.iter().find(|session| session["current"] == true).unwrap();
    let from = json!({ "from": gateways(of_phone)[0] });
    let order = format!("{path}/{}/move", of_phone["id"].as_str().unwrap());

    let refused = [
        (&order, &fan, &from, (403, "not_allowed")),
        (&order, &boss, &json!({ "from": "nowhere" }), (404, "no_such_gateway")),
        (&format!("{path}/1/move"), &boss, &from, (404, "no_such_session")),
    ];
    for (order, by, from, (status, code)) in refused {
        assert_eq!(refusal(other.api.post(order, Some(by), from).await), (status, code.into()));
    }

    let speaker = connect(&other, &boss).await;
    let talk = tokio::spawn(speak(speaker, chat.clone(), SAID));
    let mut heard = Vec::new();
    while heard.len() < 20 {
        heard.push(listener.publication().await.unwrap()["pub"]["offset"].as_u64().unwrap());
    }
    // The one that is asked is not the one that has it.
    assert_eq!(other.api.post(&order, Some(&boss), &from).await.unwrap()["connections"], 1);
    while let Some(publication) = listener.publication().await {
        heard.push(publication["pub"]["offset"].as_u64().unwrap());
    }
    assert_eq!(listener.closed_with, Some(3001), "it comes back at once");
    assert!(heard.len() < SAID as usize, "that was in the middle");
    assert_eq!(Connection::refused_at(one.http, &phone).await, Some(3001), "it has to go on");

    let mut listener = connect(&other, &phone).await;
    let resume = json!({ "channel": chat, "recover": true, "epoch": subscribed["epoch"], "offset": heard.last() });
    let reply = listener.call("subscribe", resume).await.unwrap()["subscribe"].take();
    assert_eq!(reply["recovered"], true, "{reply}");
    let missed = reply["publications"].as_array().into_iter().flatten();
    heard.extend(missed.map(|publication| publication["offset"].as_u64().unwrap()));
    talk.await.unwrap();
    while *heard.last().unwrap() < SAID {
        heard.push(listener.publication().await.expect("it stays")["pub"]["offset"].as_u64().unwrap());
    }
    assert!(heard.into_iter().eq(1..=SAID), "each message once, in order");

    // The session is where it should be, and nobody else has moved.
    let seen = sessions(&other.api, &path, &boss).await;
    let now = seen.iter().find(|session| session["id"] == of_phone["id"]).unwrap();
    assert!(gateways(now).len() == 1 && gateways(now)[0] != gateways(of_phone)[0], "{seen:?}");
    assert!(laptop.call("subscribe", json!({ "channel": chat })).await.is_some(), "another session stays");

    // Where there is no other gateway it stays where it is.
    let from = json!({ "from": gateways(now)[0] });
    one.end(true).await;
    assert_eq!(refusal(other.api.post(&order, Some(&boss), &from).await), (409, "no_other_gateway".into()));
    assert!(listener.call("subscribe", json!({ "channel": "live:1" })).await.is_some(), "it stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_the_password_or_signs_out_ends_connections_of_a_site_of_one_process() {
    let site = Site::start().await;
    let fan = site.person("fan").await;
    let (phone, laptop) = (sign_in(&site.api, "fan").await, sign_in(&site.api, "fan").await);
    let (at_phone, at_laptop) = (Connection::at(site.http, &phone).await, Connection::at(site.http, &laptop).await);
    site.api.call(Method::DELETE, "/api/v1/sessions/current", Some(&phone), &Value::Null).await.unwrap();
    let (took, code) = ended(at_phone).await;
    assert!(took < ENDED_WITHIN && code == Some(3500), "{took:?} {code:?}");
    let mut kept = Connection::at(site.http, &fan.token).await;
    let body = json!({ "current_password": "correct horse", "new_password": "battery staple" });
    site.api.post("/api/v1/me/password", Some(&fan.token), &body).await.unwrap();
    let (took, code) = ended(at_laptop).await;
    assert!(took < ENDED_WITHIN && code == Some(3500), "{took:?} {code:?}");
    assert!(kept.call("subscribe", json!({ "channel": "live:1" })).await.is_some(), "the one that changed it stays");
}
