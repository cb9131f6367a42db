//! A site on several processes: each part in processes of its own, on one PostgreSQL, one Redis and one folder of blobs.

use std::{net::SocketAddr, process::Stdio};

use engines::testing::RedisProcesses;
use madang::client::ApiClient;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    encoder::Encoder,
    ground,
    realtime::Connection,
    site::{PATIENCE, id, live, metric, until},
};

/// What all processes of a site share.
pub(crate) struct Ground {
    redis: RedisProcesses,
    pub(crate) sql: String,
    folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        Self::on(ground::database().await)
    }

    /// On this database.
    pub(crate) fn on(sql: String) -> Self {
        let redis = RedisProcesses::one().expect("MADANG_TEST_REDIS_SERVER names the program, as `make test` does");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        Self { redis, sql, folder }
    }

    /// The Redis of the site.
    pub(crate) fn redis(&self) -> &RedisProcesses {
        &self.redis
    }

    pub(crate) fn redis_mut(&mut self) -> &mut RedisProcesses {
        &mut self.redis
    }

    /// The folder of the site's blobs.
    pub(crate) fn blobs(&self) -> std::path::PathBuf {
        self.folder.path().join("blobs")
    }

    /// Makes this account an administrator, from the shell.
    pub(crate) async fn grant(&self, handle: &str) {
        let granted = Command::new(env!("CARGO_BIN_EXE_madang"))
            .args(["admin", "grant", handle])
            .env(ground::ENGINE, &self.sql)
            .status()
            .await
            .unwrap();
        assert!(granted.success(), "{granted}");
    }

    /// A process of this role. Its data folder is its own.
    pub(crate) async fn process(&self, role: &str, name: &str, variables: &[(&str, &str)]) -> Process {
        let data = self.folder.path().join(name);
        // The media process says where it really listens.
        let public_rtmp_url = if role == "media" { "" } else { "rtmp://encoders.example.org/live" };
        let mut child = Command::new(env!("CARGO_BIN_EXE_madang"))
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--role", role, "--data-dir"])
            .arg(&data)
            .env(ground::ENGINE, &self.sql)
            .env("MADANG_ENGINES_REDIS", self.redis.urls().join(","))
            .env("MADANG_ENGINES_BLOBS_FOLDER", self.folder.path().join("blobs"))
            .env("MADANG_SITE_GATEWAY", "true")
            .env("MADANG_PUBLIC_RTMP_URL", public_rtmp_url)
            .env("MADANG_API_TRUSTED_PROXIES", "127.0.0.0/8")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut addresses, mut is_over) = (Vec::new(), false);
        while !is_over {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it is ready").unwrap();
            let line = line.expect("the process ended before it was ready; its messages are above");
            is_over = line.is_empty();
            addresses.extend(line.split_once("://").map(|(_, rest)| {
                let address = rest.split('/').next().unwrap();
                address.parse::<SocketAddr>().unwrap()
            }));
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Process { child, http: addresses[0], encoders: addresses.get(1).copied(), api: ApiClient::new(addresses[0]) }
    }
}

/// A process of the site.
pub(crate) struct Process {
    child: Child,
    /// Where it listens for HTTP.
    pub(crate) http: SocketAddr,
    /// Where encoders publish, if they do.
    pub(crate) encoders: Option<SocketAddr>,
    pub(crate) api: ApiClient,
}

impl Process {
    /// The value of one of its metrics.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        metric(&self.api.fetch("/metrics").await.ok()?.1, name)
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Asks it to end and waits until it has; or kills it.
    pub(crate) async fn end(&mut self, is_asked: bool) {
        if is_asked {
            let pid = self.child.id().unwrap().to_string();
            Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
            let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it drains and ends").unwrap();
            assert!(ended.success(), "{ended}");
        } else {
            self.child.kill().await.unwrap();
        }
    }

    pub(crate) async fn show(&self, broadcast: &Value) -> Value {
        self.api.get(&format!("/api/v1/broadcasts/{}", id(broadcast)), None).await.unwrap()
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(sent.success(), "{sent}");
    }

    pub(crate) async fn until(&self, broadcast: &Value, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until(what, || async {
            let show = self.show(broadcast).await;
            is_so(&show).then_some(show)
        })
        .await
    }

    /// Signs somebody up; the token.
    pub(crate) async fn person(&self, handle: &str) -> String {
        let body = json!({ "handle": handle, "password": "correct horse", "display_name": handle });
        self.api.post("/api/v1/accounts", None, &body).await.unwrap()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn subscribe(&self, token: &str, channel: &str) -> (Connection, Value) {
        let mut connection = Connection::at(self.http, token).await;
        let reply = connection.call("subscribe", json!({ "channel": channel })).await.unwrap()["subscribe"].take();
        assert!(reply.is_object(), "{reply}");
        (connection, reply)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_goes_through_all_of_them() {
    let ground = Ground::new().await;
    let burst = ground.process("burst", "burst", &[]).await;
    // One of the addresses is nobody's: it is passed over.
    let burst_url = format!("http://127.0.0.1:9,http://{}", burst.http);
    let variables = [("MADANG_BURST_URL", burst_url.as_str())];
    let (first, second) = (ground.process("api", "api-1", &[]).await, ground.process("api", "api-2", &[]).await);
    let one = ground.process("gateway", "gateway-1", &variables).await;
    let other = ground.process("gateway", "gateway-2", &variables).await;
    let media = ground.process("media", "media", &[]).await;
    let batch = ground.process("batch", "batch-1", &[]).await;
    let successor = ground.process("batch", "batch-2", &[]).await;

    // The API of one process, the encoder at another, the state at all.
    let host = first.person("host").await;
    let broadcast = first.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Several" })).await.unwrap();
    assert_eq!(broadcast["ingest_url"], "rtmp://encoders.example.org/live");
    let key = broadcast["stream_key"].as_str().unwrap();
    let encoder = Encoder::test_card(media.encoders.unwrap(), key, 300);
    second.until(&broadcast, "it is live at the other one", |show| show["state"] == "live").await;
    let playlist = format!("/live/{}/index.m3u8", id(&broadcast));
    until("it plays", || async { media.api.fetch(&playlist).await.ok().filter(|(status, _)| *status == 200) }).await;
    let health = format!("/api/v1/broadcasts/{}/health", id(&broadcast));
    until("its health is known at an API", || async {
        let health = first.api.get(&health, Some(&host)).await.unwrap();
        (health["connected"] == true && health["video"].is_object()).then_some(())
    })
    .await;

    // Who talks to one gateway is heard at the other, and at the API.
    let fan = second.person("fan").await;
    let chat = format!("chat:{}", id(&broadcast));
    let (mut speaker, _) = one.subscribe(&fan, &chat).await;
    let (mut listener, _) = other.subscribe(&host, &chat).await;
    let said = json!({ "channel": chat, "data": { "text": "hello", "client_id": "1" } });
    assert!(speaker.call("publish", said).await.unwrap()["publish"].is_object());
    assert_eq!(listener.publication().await.unwrap()["pub"]["data"]["text"], "hello");
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    first.api.post(&messages, Some(&host), &json!({ "text": "welcome" })).await.unwrap();
    assert_eq!(speaker.publication().await.unwrap()["pub"]["data"]["text"], "hello");
    assert_eq!(speaker.publication().await.unwrap()["pub"]["data"]["text"], "welcome");

    // Players are the burst's, also those that speak through a gateway; everybody is told of them.
    let wanted = json!({ "broadcast": id(&broadcast) });
    let player = burst.api.post("/api/v1/playbacks", Some(&fan), &wanted).await.unwrap()["session"].clone();
    for _ in 0..2 {
        burst.api.post("/api/v1/beats", None, &json!({ "session": player, "position_ms": 0 })).await.unwrap();
    }
    let taps = json!({ "session": player, "seq": 1, "taps": [0, 1, 2] });
    let taken = speaker.call("rpc", json!({ "method": "hearts", "data": taps })).await.unwrap();
    assert_eq!(taken["rpc"]["data"]["total"], 3, "{taken}");
    let again = burst.api.post("/api/v1/hearts", None, &taps).await.unwrap();
    assert_eq!(again["total"], 3, "it was counted: {again}");
    let counted = |show: &Value| show["viewers"]["concurrent"] == 1 && show["hearts"] == 3;
    second.until(&broadcast, "an API tells of its crowd", counted).await;
    let (mut watcher, _) = other.subscribe(&host, &format!("live:{}", id(&broadcast))).await;
    let beat = json!({ "method": "beat", "data": { "session": player, "position_ms": 0, "leaving": true } });
    assert!(speaker.call("rpc", beat).await.unwrap()["rpc"].is_object());
    loop {
        let state = watcher.publication().await.expect("the connection stays");
        if state["pub"]["data"]["viewers"]["concurrent"] == 0 {
            break;
        }
    }

    // Whoever does what has to be done again and again may die; an API, too.
    batch.kill().await;
    first.kill().await;
    encoder.kill().await;
    let end = format!("/api/v1/broadcasts/{}/end", id(&broadcast));
    second.until(&broadcast, "the encoder is missed", |show| show["stream"] == "interrupted").await;
    second.api.post(&end, Some(&host), &json!({})).await.unwrap();
    loop {
        let state = watcher.publication().await.expect("the connection stays");
        if state["pub"]["data"]["state"] == "ended" {
            break;
        }
    }
    second.until(&broadcast, "its recording is kept", |show| show["replay"] == true).await;
    let (status, _) = media.api.fetch(&playlist).await.unwrap();
    assert_eq!(status, 200, "the replay plays");
    drop(successor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_goes_on_while_an_api_restarts_and_while_the_media_process_does() {
    let ground = Ground::new().await;
    let media = ground.process("media", "media", &[]).await;
    let _batch = ground.process("batch", "batch", &[]).await;
    let api = ground.process("api", "api", &[]).await;
    let host = api.person("host").await;
    let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Several" })).await.unwrap();
    let key = broadcast["stream_key"].as_str().unwrap().to_owned();
    let encoder = Encoder::test_card(media.encoders.unwrap(), &key, 300);
    let before = api.until(&broadcast, "it is live", live).await;
    api.kill().await;
    let api = ground.process("api", "api", &[]).await;
    let after = api.show(&broadcast).await;
    assert!(live(&after), "{after}");
    assert_eq!(after["started_at"], before["started_at"]);

    media.kill().await;
    api.until(&broadcast, "its stream is missed", |show| show["stream"] == "interrupted").await;
    encoder.kill().await;
    let media = ground.process("media", "media", &[]).await;
    let encoder = Encoder::test_card(media.encoders.unwrap(), &key, 300);
    api.until(&broadcast, "it goes on", live).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_has_a_stream_is_told_of_a_pause_and_of_the_end() {
    let ground = Ground::new().await;
    let media = ground.process("media", "media", &[]).await;
    let api = ground.process("api", "api", &[]).await;
    let host = api.person("host").await;
    let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Several" })).await.unwrap();
    let encoder = Encoder::test_card(media.encoders.unwrap(), broadcast["stream_key"].as_str().unwrap(), 300);
    api.until(&broadcast, "it is live", |show| show["state"] == "live").await;
    let counts = async |line: &str| {
        let (_, metrics) = media.api.fetch("/metrics").await.unwrap();
        String::from_utf8(metrics.to_vec()).unwrap().lines().any(|one| one == line).then_some(())
    };
    for (command, words) in [("pause", 1), ("end", 2)] {
        let path = format!("/api/v1/broadcasts/{}/{command}", id(&broadcast));
        api.api.post(&path, Some(&host), &json!({})).await.unwrap();
        let heard = format!("madang_show_words_heard_total {words}");
        until("the word arrives", || counts(&heard)).await;
    }
    until("the encoder is sent away", || counts("madang_ingest_publishers 0")).await;
    encoder.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_counts_what_was_said_and_another_goes_on_when_it_dies() {
    let ground = Ground::new().await;
    let api = ground.process("api", "api", &[]).await;
    let mut workers =
        vec![ground.process("worker", "worker-1", &[]).await, ground.process("worker", "worker-2", &[]).await];
    let host = api.person("host").await;
    let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Several" })).await.unwrap();
    let messages = format!("/api/v1/broadcasts/{}/messages", id(&broadcast));
    let say = async |text: &str| api.api.post(&messages, Some(&host), &json!({ "text": text })).await.unwrap();
    let database = engines::sql::postgres(&ground.sql, 1).await.unwrap();
    let counted = async |wanted: i64| {
        let sum = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM chat_message_counts";
        let sum: i64 = ports::sqlx::query_scalar(sum).fetch_one(database.reader()).await.unwrap();
        (sum == wanted).then_some(())
    };
    let has_lease = async |worker: &Process| {
        let (_, metrics) = worker.api.fetch("/metrics").await.unwrap();
        let held = "madang_lease_held{lease=\"reaction/chat-count-messages\"} 1\n";
        String::from_utf8(metrics.to_vec()).unwrap().contains(held)
    };

    say("one").await;
    until("it is counted", || counted(1)).await;
    let place = if has_lease(&workers[0]).await { 0 } else { 1 };
    assert!(has_lease(&workers[place]).await && !has_lease(&workers[1 - place]).await, "one of them reacts");
    say("two").await;
    workers.swap_remove(place).kill().await;
    say("three").await;
    until("the other one goes on", || counted(3)).await;
    assert!(has_lease(&workers[0]).await);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_for_several_processes_stops_the_start_and_is_named() {
    for (variables, told) in [
        (vec![("MADANG_ROLE", "api")], "engines.redis"),
        (vec![("MADANG_ROLE", "batch"), ("MADANG_ENGINES_REDIS", "redis://127.0.0.1:1")], "engines.sql"),
        (
            vec![
                ("MADANG_ROLE", "burst"),
                ("MADANG_ENGINES_REDIS", "redis://127.0.0.1:1"),
                ("MADANG_ENGINES_SQL", "postgres://nobody@127.0.0.1:1/nothing"),
            ],
            "engines.blobs_folder",
        ),
    ] {
        let (status, complaint) = crate::site::Site::refused(&variables).await;
        assert!(!status.success() && complaint.contains(told), "{complaint}");
    }
}
