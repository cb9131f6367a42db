//! Talking: over HTTP, over the plain protocol, and with the published JavaScript client.

use serde_json::json;
use tokio::process::Command;

use crate::{
    realtime::Connection,
    site::{Site, id, refusal},
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
        refusal(
            site.api.call(hyper::Method::DELETE, &delete, Some(&site.person("other").await.token), &json!(null)).await
        )
        .0,
        403
    );
    site.api.call(hyper::Method::DELETE, &delete, Some(&host.token), &json!(null)).await.unwrap();
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
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off")]).await;
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
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off")]).await;
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
