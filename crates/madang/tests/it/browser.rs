//! A real browser in front of a real show. The steps are in `web/tests/*.mjs`; this gives them a site and an encoder.

use std::path::Path;

use serde_json::json;
use tokio::process::Command;

use crate::{
    encoder::Encoder,
    site::{Site, id},
};

async fn run(script: &str, arguments: &[&str]) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    assert!(web.join("node_modules/playwright-core").exists(), "run `npm ci` in web/ first, as `make test` does");
    let output =
        Command::new("node").current_dir(&web).arg(format!("tests/{script}")).args(arguments).output().await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}:\n{said}{complained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_watches_chats_and_taps() {
    let site = Site::start().await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap();
    let encoder = Encoder::test_card(site.rtmp, key, 240);
    site.until_state(&broadcast, "live").await;
    let sign_in = json!({ "handle": fan.handle, "password": "correct horse" }).to_string();
    run("watch.mjs", &[&format!("http://{}", site.http), id(&broadcast), &sign_in, &host.token]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamer_goes_live_from_the_studio() {
    let site = Site::start().await;
    let rtmp = site.rtmp.to_string();
    run("studio.mjs", &[&format!("http://{}", site.http), &rtmp, &crate::encoder::ffmpeg()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_keeps_order_in_a_browser() {
    let site = Site::start().await;
    let host = site.person("host").await;
    for handle in ["moderator", "fan"] {
        site.person(handle).await;
    }
    let broadcast = site.broadcast(&host).await;
    let appoint = json!({ "handle": "moderator" });
    site.api.post("/api/v1/channels/host/moderators", Some(&host.token), &appoint).await.unwrap();
    run("chat.mjs", &[&format!("http://{}", site.http), id(&broadcast), "host", "moderator", "fan"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_looks_back_in_a_long_room() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off"), ("MADANG_API_REQUEST_RATE", "off")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    for number in 1..=160 {
        let message = json!({ "text": format!("message {number}") });
        site.api.post(&messages, Some(&host.token), &message).await.unwrap();
    }
    run("looking_back.mjs", &[&format!("http://{}", site.http), id(&broadcast), "160"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_blocks_a_word_on_the_whole_site() {
    let site = Site::start().await;
    let link = site.output.iter().find_map(|line| line.split_once("/claim?token=")).expect("a one-time link");
    let (boss, host) = (site.person("boss").await, site.person("host").await);
    site.person("guest").await;
    let claim = json!({ "token": link.1.trim() });
    site.api.post("/api/v1/admin/claim", Some(&boss.token), &claim).await.unwrap();
    let broadcast = site.broadcast(&host).await;
    run("admin.mjs", &[&format!("http://{}", site.http), id(&broadcast), "boss", "guest"]).await;
}
