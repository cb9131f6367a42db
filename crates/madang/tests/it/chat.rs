//! Talking: over HTTP, over the plain protocol, and with the published JavaScript client.

use hyper::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    ground,
    realtime::Connection,
    site::{Person, Site, id, refusal, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_everyone_once_and_unchanged() {
    let site = Site::start().await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let mut reader = Connection::open(&site, None).await;
    reader.call("subscribe", json!({ "channel": channel })).await.unwrap();

    let text = "<b>안녕</b> & \"hello\" \\ 🏮";
    let path = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let body = json!({ "text": text, "client_id": "one" });
    let posted = site.api.post(&path, Some(&fan.token), &body).await.unwrap();
    let again = site.api.post(&path, Some(&fan.token), &body).await.unwrap();
    assert_eq!(posted["id"], again["id"], "a resend is the same message");

    let mut writer = Connection::open(&site, Some(&fan)).await;
    let reply = writer
        .call("publish", json!({ "channel": channel, "data": { "text": "second", "client_id": "two" } }))
        .await
        .unwrap();
    assert!(reply["publish"].is_object(), "{reply}");
    let (first, second) = (reader.publication().await.unwrap(), reader.publication().await.unwrap());
    assert_eq!((&first["pub"]["data"]["text"], &first["pub"]["offset"]), (&json!(text), &json!(1)));
    assert_eq!((&second["pub"]["data"]["text"], &second["pub"]["offset"]), (&json!("second"), &json!(2)));

    assert_eq!(refusal(site.api.post(&path, None, &json!({ "text": "hi" })).await).0, 401);
    let long = json!({ "text": "가".repeat(501) });
    assert_eq!(refusal(site.api.post(&path, Some(&fan.token), &long).await), (422, "text_too_long".into()));

    let delete = format!("{path}/{}", posted["id"].as_str().unwrap());
    assert_eq!(
        refusal(site.api.call(Method::DELETE, &delete, Some(&site.person("other").await.token), &json!(null)).await).0,
        403
    );
    site.api.call(Method::DELETE, &delete, Some(&host.token), &json!(null)).await.unwrap();
    let deletion = reader.publication().await.unwrap();
    assert_eq!((&deletion["pub"]["data"]["type"], &deletion["pub"]["offset"]), (&json!("message_deleted"), &json!(3)));
    let history = site.api.get(&path, None).await.unwrap();
    assert_eq!(history["items"][0]["type"], "deleted", "a tombstone in the old place: {history}");
    assert_eq!(history["items"][1]["text"], "second");

    let time_out = json!({ "account": fan.account, "seconds": 60 });
    site.api
        .post(&format!("/api/v1/broadcasts/{}/timeouts", id(&broadcast)), Some(&host.token), &time_out)
        .await
        .unwrap();
    let (status, code) = refusal(site.api.post(&path, Some(&fan.token), &json!({ "text": "again" })).await);
    assert_eq!((status, code.as_str()), (403, "timed_out"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_catches_up() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let mut reader = Connection::open(&site, None).await;
    let position = reader.call("subscribe", json!({ "channel": channel })).await.unwrap()["subscribe"].clone();
    drop(reader);

    let mut writer = Connection::open(&site, Some(&host)).await;
    for number in 1..=1_000 {
        let data = json!({ "text": format!("message {number}"), "client_id": number.to_string() });
        let reply = writer.call("publish", json!({ "channel": channel, "data": data })).await.unwrap();
        assert!(reply["publish"].is_object(), "{reply}");
    }
    let mut reader = Connection::open(&site, None).await;
    let resume = json!({ "channel": channel, "recover": true, "epoch": position["epoch"], "offset": position["offset"].as_u64().unwrap_or(0) });
    let reply = reader.call("subscribe", resume).await.unwrap();
    assert_eq!(reply["subscribe"]["recovered"], true, "{reply}");
    let mut seen: Vec<u64> = Vec::new();
    for publication in reply["subscribe"]["publications"].as_array().unwrap() {
        seen.push(publication["offset"].as_u64().unwrap());
    }
    while seen.len() < 1_000 {
        seen.push(reader.publication().await.unwrap()["pub"]["offset"].as_u64().unwrap());
    }
    assert!(seen.iter().copied().eq(1..=1_000), "each once, in order");
}

/// The unmodified `centrifuge` package from npm, as the web UI uses it.
#[tokio::test(flavor = "multi_thread")]
async fn the_published_javascript_client_is_at_home() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")]).await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let web = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    assert!(web.join("node_modules/centrifuge").exists(), "run `npm ci` in web/ first, as `make test` does");
    let output = Command::new("node")
        .current_dir(&web)
        .args(["tests/client.mjs", &format!("http://{}", site.http), id(&broadcast), &host.token, &fan.token])
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Says this in a room until it is refused for that reason. What was changed holds at once in the process that changed it; the one behind
/// this connection may be another, which obeys within a second.
async fn until_refused(writer: &mut Connection, channel: &str, text: &str, reason: &str) -> Value {
    until(&format!("{text} is refused: {reason}"), async || {
        let message = json!({ "channel": channel, "data": { "text": text } });
        let reply = writer.call("publish", message).await.unwrap();
        let is_refused = reply["error"]["message"].as_str().is_some_and(|told| told.contains(reason));
        assert!(is_refused || ground::is_in_parts(), "{text}: {reply}");
        is_refused.then_some(reply)
    })
    .await
}

/// What a moderator does from the appointment to the report, over HTTP and the realtime connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_keeps_order() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off")]).await;
    let (host, moderator, fan) = (site.person("host").await, site.person("mod").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let room = format!("/api/v1/broadcasts/{}", id(&broadcast));
    let (channel, messages) = (format!("chat:{}", id(&broadcast)), format!("{room}/messages"));
    let mut reader = Connection::open(&site, None).await;
    reader.call("subscribe", json!({ "channel": channel })).await.unwrap();
    let post = async |path: &str, person: &Person, body: Value| site.api.post(path, Some(&person.token), &body).await;
    let call = async |method: Method, path: &str, person: &Person, body: Value| {
        site.api.call(method, path, Some(&person.token), &body).await
    };

    assert_eq!(refusal(post("/api/v1/channels/host/moderators", &fan, json!({ "handle": "fan" })).await).0, 403);
    post("/api/v1/channels/host/moderators", &host, json!({ "handle": "mod" })).await.unwrap();
    let hello = post(&messages, &fan, json!({ "text": "hello @mod" })).await.unwrap();
    assert_eq!(hello["mentions"][0]["handle"], "mod");
    let reply = json!({ "text": "hi", "reply_to": hello["id"] });
    let mut writer = Connection::open(&site, Some(&moderator)).await;
    writer.call("publish", json!({ "channel": channel, "data": reply })).await.unwrap();
    assert_eq!(reader.publication().await.unwrap()["pub"]["data"]["id"], hello["id"]);
    let answer = reader.publication().await.unwrap()["pub"]["data"].clone();
    assert_eq!((&answer["reply_to"]["id"], &answer["account"]["moderator"]), (&hello["id"], &json!(true)));
    // Somebody in another room of the same channel, who finds out what holds.
    let mut probe = Connection::open(&site, Some(&site.person("probe").await)).await;
    let elsewhere = format!("chat:{}", id(&site.broadcast(&host).await));
    let first = json!({ "channel": elsewhere, "data": { "text": "one" } });
    assert!(probe.call("publish", first).await.unwrap()["publish"].is_object());

    call(Method::PUT, &format!("{room}/pinned-message"), &moderator, json!({ "message": hello["id"] })).await.unwrap();
    assert_eq!(reader.publication().await.unwrap()["pub"]["data"]["type"], "message_pinned");
    call(Method::PATCH, "/api/v1/channels/host/chat-settings", &moderator, json!({ "slow_mode_s": 60 })).await.unwrap();
    let changed = reader.publication().await.unwrap()["pub"]["data"].clone();
    assert_eq!((&changed["type"], &changed["settings"]["slow_mode_s"]), (&json!("room_changed"), &json!(60)));
    let slow = until_refused(&mut probe, &elsewhere, "two", "Slow mode").await;
    assert_eq!((&slow["error"]["code"], &slow["error"]["temporary"]), (&json!(111), &json!(true)), "{slow}");
    assert!(slow["error"]["message"].as_str().unwrap().contains("again in"), "{slow}");
    call(Method::PATCH, "/api/v1/channels/host/chat-settings", &moderator, json!({ "slow_mode_s": 0 })).await.unwrap();
    reader.publication().await.unwrap();

    for (word, consequence) in [("바보", "hold"), ("멍청이", "refuse")] {
        let word = json!({ "word": word, "consequence": consequence });
        post("/api/v1/channels/host/blocked-words", &moderator, word).await.unwrap();
    }
    until_refused(&mut probe, &elsewhere, "멍청이", "멍청이").await;
    let held = post(&messages, &fan, json!({ "text": "바.보", "client_id": "held" })).await.unwrap();
    assert_eq!(held["type"], "held");
    let mut writer = Connection::open(&site, Some(&fan)).await;
    let over_the_connection = json!({ "channel": channel, "data": { "text": "바 보", "client_id": "held too" } });
    let held_too = writer.call("publish", over_the_connection).await.unwrap();
    assert_eq!(held_too["error"]["code"], 409, "{held_too}");
    let state = site.api.get(&format!("{room}/room"), Some(&fan.token)).await.unwrap();
    assert_eq!((&state["held"][0]["id"], &state["pinned"]["message"]["id"]), (&held["id"], &hello["id"]));
    let queue = site.api.get("/api/v1/channels/host/held-messages", Some(&moderator.token)).await.unwrap();
    assert_eq!((&queue["items"][0]["id"], &queue["items"][0]["word"]), (&held["id"], &json!("바보")));
    let approve = format!("/api/v1/channels/host/held-messages/{}/approve", id(&held));
    post(&approve, &moderator, json!({})).await.unwrap();
    assert_eq!(reader.publication().await.unwrap()["pub"]["data"]["client_id"], "held");

    post("/api/v1/channels/host/bans", &moderator, json!({ "account": fan.account })).await.unwrap();
    assert_eq!(refusal(post(&messages, &fan, json!({ "text": "again" })).await), (403, "banned".into()));
    let log = site.api.get("/api/v1/channels/host/mod-log", Some(&host.token)).await.unwrap();
    let acts: Vec<&str> = log["items"].as_array().unwrap().iter().map(|entry| entry["act"].as_str().unwrap()).collect();
    let expected = [
        "banned",
        "held_approved",
        "word_blocked",
        "word_blocked",
        "settings_changed",
        "settings_changed",
        "message_pinned",
        "moderator_appointed",
    ];
    assert_eq!(acts, expected);

    let site = site.kill_and_restart().await;
    let report = site.api.get(&format!("{room}/report"), Some(&host.token)).await.unwrap();
    assert_eq!((&report["chat"]["messages"], &report["chat"]["chatters"]), (&json!(3), &json!(2)), "{report}");
    assert_eq!(report["chat"]["top_chatters"][0]["account"]["handle"], "fan");
    assert_eq!(refusal(site.api.post(&messages, Some(&fan.token), &json!({ "text": "a" })).await).1, "banned");
}
