//! A real browser in front of a real show. The steps are in `web/tests/*.mjs`; this gives them a site and an encoder.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::{
    encoder::Encoder,
    site::{Person, Site, id, until},
};

fn node(script: &str, arguments: &[&str]) -> Command {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    assert!(web.join("node_modules/playwright-core").exists(), "run `npm ci` in web/ first, as `make test` does");
    let mut command = Command::new("node");
    command.current_dir(&web).arg(format!("tests/{script}")).args(arguments).kill_on_drop(true);
    command
}

async fn run(script: &str, arguments: &[&str]) {
    let output = node(script, arguments).output().await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}:\n{said}{complained}");
}

/// What a person types to sign in.
fn sign_in(person: &Person) -> String {
    json!({ "handle": person.handle, "password": "correct horse" }).to_string()
}

/// A site with a live show, its host and a fan.
async fn a_live_show() -> (Site, Value, Encoder, [Person; 2]) {
    let site = Site::start().await;
    let people = [site.person("host").await, site.person("fan").await];
    let (broadcast, encoder) = go_live(&site, &people[0]).await;
    (site, broadcast, encoder, people)
}

async fn go_live(site: &Site, host: &Person) -> (Value, Encoder) {
    let broadcast = site.broadcast(host).await;
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 240);
    site.until_state(&broadcast, "live").await;
    (broadcast, encoder)
}

/// A show of this host that is over and has a replay.
async fn an_ended_show(site: &Site, host: &Person) -> Value {
    let broadcast = site.broadcast(host).await;
    let key = broadcast["stream_key"].as_str().unwrap();
    let (content, said) = Encoder::test_card(site.rtmp, key, 4).finish().await;
    assert!(content, "{said}");
    site.end_after_encoder(&broadcast, host).await;
    until("the replay is there", || async { (site.show(&broadcast).await["replay"] == true).then_some(()) }).await;
    broadcast
}

/// Makes this person the administrator, with the link the first start prints.
async fn make_administrator(site: &Site, person: &Person) {
    let link = site.output.iter().find_map(|line| line.split_once("/claim?token=")).expect("a one-time link");
    let claim = json!({ "token": link.1.trim() });
    site.api.post("/api/v1/admin/claim", Some(&person.token), &claim).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_watches_chats_and_taps() {
    let (site, broadcast, encoder, [host, fan]) = a_live_show().await;
    run("watch.mjs", &[&format!("http://{}", site.http), id(&broadcast), &sign_in(&fan), &host.token]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taps_go_in_batches_and_float_for_others() {
    let (site, broadcast, encoder, [_, fan]) = a_live_show().await;
    run("hearts.mjs", &[&format!("http://{}", site.http), id(&broadcast), &sign_in(&fan)]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_timers_stand_still_is_counted() {
    let (site, broadcast, encoder, _) = a_live_show().await;
    run("beats.mjs", &[&format!("http://{}", site.http), id(&broadcast)]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_outlives_encoder_and_server() {
    let (mut site, broadcast, encoder, [host, fan]) = a_live_show().await;
    let mut encoder = Some(encoder);
    let key = broadcast["stream_key"].as_str().unwrap();
    let url = format!("http://{}", site.http);
    let mut script = node("staying.mjs", &[&url, id(&broadcast), &sign_in(&fan), &host.token])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = script.stdin.take().unwrap();
    let mut deeds = BufReader::new(script.stdout.take().unwrap()).lines();
    while let Some(deed) = deeds.next_line().await.unwrap() {
        match deed.as_str() {
            "kill the encoder" => drop(encoder.take()),
            "start the encoder" => encoder = Some(Encoder::test_card(site.rtmp, key, 240)),
            "kill the server" => site.kill().await,
            "start the server" => site = site.restart().await,
            other => panic!("no such deed: {other}"),
        }
        answers.write_all(b"done\n").await.unwrap();
    }
    assert!(script.wait().await.unwrap().success(), "its messages are above");
}

/// With the shortest life that an address can have, everybody is given another one every 15 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_player_whose_address_is_refused_goes_on_under_a_new_one() {
    let signed = [("MADANG_LIVE_PLAYBACK_TOKENS", "true"), ("MADANG_LIVE_PLAYBACK_TOKEN_MINUTES", "1")];
    let site = Site::start_with(&signed).await;
    let host = site.person("host").await;
    let (broadcast, encoder) = go_live(&site, &host).await;
    run("addresses.mjs", &[&format!("http://{}", site.http), id(&broadcast)]).await;
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
    let (boss, host) = (site.person("boss").await, site.person("host").await);
    site.person("guest").await;
    make_administrator(&site, &boss).await;
    let broadcast = site.broadcast(&host).await;
    run("admin.mjs", &[&format!("http://{}", site.http), id(&broadcast), "boss", "guest"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_in_both_languages_on_phone_and_desk() {
    let site = Site::start().await;
    let boss = site.person("boss").await;
    make_administrator(&site, &boss).await;
    let ended = an_ended_show(&site, &boss).await;
    let (live, encoder) = go_live(&site, &boss).await;
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&live));
    for text in ["어서 오세요", "A line that is long enough to need more room than a narrow phone has for it :heart:"]
    {
        site.api.post(&messages, Some(&boss.token), &json!({ "text": text })).await.unwrap();
    }
    run("pages.mjs", &[&format!("http://{}", site.http), id(&live), id(&ended), "boss"]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough() {
    let (site, live, encoder, [_, fan]) = a_live_show().await;
    let title = live["title"].as_str().unwrap();
    run("keyboard.mjs", &[&format!("http://{}", site.http), id(&live), title, &fan.handle]).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_looks_around() {
    let (site, live, encoder, [_, other]) = a_live_show().await;
    let ended = an_ended_show(&site, &other).await;
    run("visitor.mjs", &[&format!("http://{}", site.http), id(&live), id(&ended)]).await;
    encoder.kill().await;
}
