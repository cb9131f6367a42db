//! `madang demo`: everything alive without a hand moved, and gone without a trace.

use std::{process::Stdio, time::Duration};

use madang::client::ApiClient;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    ground,
    site::{PATIENCE, id},
};

/// Whether somebody of the crowd has written in each of the shows.
async fn chats(api: &ApiClient, shows: &[Value]) -> bool {
    for show in shows {
        let history = api.get(&format!("/api/v1/broadcasts/{}/messages", id(show)), None).await.unwrap();
        let is_of_the_crowd = |item: &Value| {
            let author = item["account"]["handle"].as_str().unwrap_or_default();
            author.starts_with("guest_") && item["text"].as_str().is_some_and(|text| !text.is_empty())
        };
        if !history["items"].as_array().unwrap().iter().any(is_of_the_crowd) {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_shows_with_a_crowd_and_nothing_left_behind() {
    ground::always_sqlite("`madang demo` always runs on its own throwaway folder");
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_madang"))
        .args(["demo", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--crowd", "30"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let url = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the demo begins").unwrap().unwrap();
        if let Some((_, url)) = line.split_once("people: ") {
            break url.trim().to_owned();
        }
    };
    let alive = |shows: &[Value]| {
        let live = shows.iter().filter(|show| show["state"] == "live" && show["stream"] == "arriving");
        let crowded =
            live.filter(|show| show["viewers"]["concurrent"].as_u64() > Some(0) && show["hearts"].as_u64() > Some(0));
        crowded.count() == 3
    };
    let api = ApiClient::new(url.trim_start_matches("http://").parse().unwrap());
    let look = async {
        loop {
            let list = api.get("/api/v1/broadcasts", None).await.unwrap();
            let shows = list["items"].as_array().unwrap();
            if alive(shows) && chats(&api, shows).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(2 * PATIENCE, look)
        .await
        .expect("three live shows with viewers, hearts and a chat of the crowd");
    let pid = rustix::process::Pid::from_raw(demo.id().unwrap() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = tokio::time::timeout(PATIENCE, demo.wait()).await.expect("it ends when it is asked to").unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
}
