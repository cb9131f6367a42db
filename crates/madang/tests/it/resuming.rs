//! A busy room whose server dies in the middle: what its viewers, who come back to where they were, have seen in the end.

use std::{collections::BTreeSet, net::SocketAddr, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
};

use crate::{
    forgetful_disk::ForgetfulDisk,
    gateway_alone::Alone,
    realtime::Connection,
    site::{PATIENCE, Site, id},
};

const VIEWERS: usize = 20;
const WRITERS: usize = 4;
const NO_LIMITS: [(&str, &str); 2] = [("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")];

/// A viewer's account: offsets and client ids in the order they came.
#[derive(Default)]
struct Viewer {
    epoch: String,
    seen: Vec<(u64, String)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_who_come_back_have_every_acknowledged_message_once_and_in_order() {
    let site = Site::start_with(&NO_LIMITS).await;
    a_server_dies_in_the_middle(site, 1_500, Site::kill_and_restart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_have_those_whose_server_lost_its_power_under_sqlite() {
    for seed in [1, 2] {
        let disk = ForgetfulDisk::new(seed);
        let site = Site::start_over(&disk, &NO_LIMITS).await;
        a_server_dies_in_the_middle(site, 250, |site| site.lose_power_and_restart(&disk)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_has_the_crowd_of_the_bench_whose_realtime_server_dies_half_way() {
    let server = Alone::start("[gateway]\ncommands_per_second_max = 1000000\n[gateway.client]\ninsecure = true\n[gateway.namespaces.durable]\ndurable = true\nforce_recovery = true").await;
    let connections = VIEWERS + WRITERS;
    let crowd = Crowd { viewers: VIEWERS, senders: WRITERS, messages: 40_000 };
    let (told, _server) = crowd.over(&[server.address], "durable:busy", server.kill_and_restart()).await;
    assert!(told["reconnected"].as_u64().unwrap() >= connections as u64, "{told}");
    assert!(told["sent_again"].as_u64().unwrap() > 0 && told["all_live_again_s"].as_f64().unwrap() > 0.0, "{told}");
}

/// The load of the bench on a busy room, whose connections come back when they end.
pub(crate) struct Crowd {
    pub(crate) viewers: usize,
    pub(crate) senders: usize,
    pub(crate) messages: usize,
}

impl Crowd {
    /// What happened over a `fault` half way: nothing was lost, doubled or out of order.
    pub(crate) async fn over<T>(
        &self,
        servers: &[SocketAddr],
        room: &str,
        fault: impl Future<Output = T>,
    ) -> (Value, T) {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let mut load = Command::new(env!("CARGO_BIN_EXE_madang"))
            .args(["bench", "crowd", "--server", &servers.join(","), "--room", room, "busy", "--resumes"])
            .args(["--viewers", &self.viewers.to_string(), "--senders", &self.senders.to_string()])
            .args(["--messages", &self.messages.to_string(), "--until-told"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut progress = BufReader::new(load.stderr.take().unwrap()).lines();
        // A large crowd takes its time.
        let patience = 4 * PATIENCE;
        let line = tokio::time::timeout(patience, progress.next_line()).await.expect("it comes half way").unwrap();
        assert_eq!(line.as_deref(), Some("half way"));
        let fault = fault.await;
        drop(load.stdin.take());
        let output = tokio::time::timeout(patience, load.wait_with_output()).await.expect("the load ends").unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        for name in ["lost", "doubled", "out_of_order", "offset_breaks", "differing_viewers", "foreign", "refused"] {
            assert_eq!(told[name], 0, "{name}: {told}");
        }
        let messages = told["messages"].as_u64().unwrap() as usize;
        assert!(messages >= self.messages && told["deliveries"] == messages * self.viewers, "{told}");
        (told, fault)
    }
}

/// Each writer has so many `messages` to say; the server dies when a viewer has seen a quarter of them all.
async fn a_server_dies_in_the_middle<Next: Future<Output = Site>>(
    site: Site,
    messages: usize,
    restart: impl FnOnce(Site) -> Next,
) {
    let seen_before = WRITERS * messages / 4;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));

    let mut viewers = JoinSet::new();
    let (at_a_quarter, mut quarter) = tokio::sync::mpsc::channel(1);
    for _ in 0..VIEWERS {
        let mut connection = Connection::open(&site, None).await;
        let reply = connection.call("subscribe", json!({ "channel": channel })).await.unwrap();
        let mut viewer = Viewer { epoch: reply["subscribe"]["epoch"].as_str().unwrap().to_owned(), seen: Vec::new() };
        let at_a_quarter = at_a_quarter.clone();
        viewers.spawn(async move {
            while let Some(push) = connection.publication().await {
                viewer.take(&push["pub"]);
                if viewer.seen.len() == seen_before {
                    let _others_said_so = at_a_quarter.try_send(());
                }
            }
            viewer
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let connection = Connection::open(&site, Some(&host)).await;
        writers.spawn(write(connection, channel.clone(), writer, messages));
    }
    quarter.recv().await.unwrap();
    let site = restart(site).await;

    let acknowledged: BTreeSet<String> = writers.join_all().await.into_iter().flatten().collect();
    let viewers = viewers.join_all().await;
    assert!(viewers.iter().any(|viewer| viewer.seen.len() >= seen_before));
    let mut writer = Connection::open(&site, Some(&host)).await;
    let last = json!({ "channel": channel, "data": { "text": "the end", "client_id": "the end" } });
    assert!(writer.call("publish", last).await.unwrap()["publish"].is_object());

    let mut returning = JoinSet::new();
    for viewer in viewers {
        let connection = Connection::open(&site, None).await;
        returning.spawn(viewer.come_back(connection, channel.clone()));
    }
    let accounts = returning.join_all().await;
    for seen in &accounts {
        assert!(seen.iter().map(|(offset, _)| *offset).eq(1..=seen.len() as u64), "every offset once, in order");
        let messages: BTreeSet<&String> = seen.iter().map(|(_, message)| message).collect();
        assert_eq!(messages.len(), seen.len(), "no message twice");
        let lost: Vec<_> = acknowledged.iter().filter(|message| !messages.contains(message)).take(5).collect();
        assert!(lost.is_empty(), "acknowledged but not seen: {lost:?}");
        for writer in 0..WRITERS {
            let of_writer = format!("{writer}-");
            let said: Vec<usize> =
                seen.iter().filter_map(|(_, one)| one.strip_prefix(&of_writer)?.parse().ok()).collect();
            assert!(said.is_sorted(), "a writer's messages in its order");
        }
        assert!(seen == &accounts[0], "all viewers saw the same");
    }
}

/// Sends without waiting until the server is gone, and tells what was acknowledged.
async fn write(mut connection: Connection, channel: String, writer: usize, messages: usize) -> Vec<String> {
    let mut sent = std::collections::HashMap::new();
    for number in 0..messages {
        let client_id = format!("{writer}-{number}");
        let data = json!({ "text": format!("message {number}"), "client_id": client_id });
        match connection.send("publish", json!({ "channel": channel, "data": data })).await {
            Some(command) => drop(sent.insert(command, client_id)),
            None => break,
        }
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < messages
        && let Some(message) = connection.message().await
    {
        if message["publish"].is_object() {
            acknowledged.extend(sent.remove(&message["id"].as_u64().unwrap()));
        }
    }
    acknowledged
}

impl Viewer {
    fn take(&mut self, publication: &Value) {
        let message = publication["data"]["client_id"].as_str().unwrap().to_owned();
        self.seen.push((publication["offset"].as_u64().unwrap(), message));
    }

    /// Goes on where it was, and reads to the end.
    async fn come_back(mut self, mut connection: Connection, channel: String) -> Vec<(u64, String)> {
        let offset = self.seen.last().map_or(0, |(offset, _)| *offset);
        let resume = json!({ "channel": channel, "recover": true, "epoch": self.epoch, "offset": offset });
        let reply = connection.call("subscribe", resume).await.unwrap();
        assert_eq!(reply["subscribe"]["recovered"], true, "{reply}");
        for publication in reply["subscribe"]["publications"].as_array().into_iter().flatten() {
            self.take(publication);
        }
        while self.seen.last().is_none_or(|(_, message)| message != "the end") {
            let push = connection.publication().await.expect("the rest comes");
            self.take(&push["pub"]);
        }
        self.seen
    }
}
