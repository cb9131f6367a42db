//! Redis servers of a test's own: processes on free ports with folders of their own, which end with the value.
//!
//! Used when `MADANG_TEST_REDIS_SERVER` names the `redis-server` program (`redis-cli` stands beside it); the test command
//! installs it and says so.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot have its servers must fail loudly")]

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long servers may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);
/// A master that is silent for so long is replaced by its replica.
const NODE_TIMEOUT_MS: u32 = 1_000;

/// Running servers: one, or a cluster of three masters with a replica each.
#[derive(Debug)]
pub struct RedisProcesses {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    port: u16,
    bus_port: u16,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl RedisProcesses {
    /// One server; none when no program was named.
    pub fn one() -> Option<Self> {
        let program = program()?;
        let mut nodes = Node::some(1);
        nodes.iter_mut().for_each(|node| node.start(&program, false));
        Some(Self { nodes })
    }

    /// A cluster of six; none when no program was named.
    pub fn cluster() -> Option<Self> {
        let program = program()?;
        let mut nodes = Node::some(6);
        nodes.iter_mut().for_each(|node| node.start(&program, true));
        let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let arguments = ["--cluster", "create"].into_iter().chain(addresses.iter().map(String::as_str));
        let arguments = arguments.chain(["--cluster-replicas", "1", "--cluster-yes"]);
        let created =
            Command::new(program.with_file_name("redis-cli")).args(arguments).output().expect("redis-cli runs");
        assert!(created.status.success(), "no cluster: {}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        Some(cluster)
    }

    /// The URLs of all.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("redis://127.0.0.1:{}", node.port)).collect()
    }

    /// Kills the server (number in [`Self::urls`]) without a word.
    pub fn kill(&mut self, number: usize) {
        let node = self.nodes.get_mut(number).expect("there is such a server");
        node.end();
    }

    /// Starts a killed one again, with what it had written.
    pub fn start(&mut self, number: usize) {
        let is_cluster = self.nodes.len() > 1;
        let node = self.nodes.get_mut(number).expect("there is such a server");
        node.start(&program().expect("it was there before"), is_cluster);
    }

    /// Makes them forget everything; nobody's connection ends.
    pub fn empty(&self) {
        let living = self.nodes.iter().filter(|node| node.process.is_some());
        for node in living.filter(|node| node.ask(&["ROLE"]).starts_with("master")) {
            node.ask(&["FLUSHALL"]);
        }
    }

    /// The names of what they hold.
    pub fn keys(&self) -> Vec<String> {
        let living = self.nodes.iter().filter(|node| node.process.is_some());
        let mut keys: Vec<String> =
            living.flat_map(|node| node.ask(&["KEYS", "*"]).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        keys.retain(|key| !key.is_empty());
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The number of the master whose slots hold `key`.
    pub fn master_of(&self, key: &str) -> usize {
        let node = self.nodes.iter().find(|node| node.process.is_some()).expect("one lives");
        let slot = node.ask(&["CLUSTER", "KEYSLOT", key]);
        let slot: u32 = slot.trim().parse().expect("a slot");
        let holds = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let port = words.get(1)?.split(['@', ':']).nth(1)?.parse::<u16>().ok()?;
            let is_master = words.get(2)?.contains("master") && !words.get(2)?.contains("fail");
            let ranges = words.get(8..)?.iter().filter_map(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?)
            });
            (is_master && ranges.into_iter().any(|range| range.contains(&slot))).then_some(port)
        };
        let port = node.ask(&["CLUSTER", "NODES"]).lines().find_map(holds).expect("a master holds it");
        self.nodes.iter().position(|node| node.port == port).expect("it is one of ours")
    }

    /// Waits until every living server sees all slots served and every master has a replica.
    pub fn wait_until_whole(&self) {
        let begun = Instant::now();
        for node in self.nodes.iter().filter(|node| node.process.is_some()) {
            while !node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
                assert!(begun.elapsed() < PATIENCE, "the cluster did not become whole");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        for node in self.nodes.iter().filter(|node| node.process.is_some()) {
            let role = |node: &Node| node.ask(&["INFO", "replication"]);
            while role(node).contains("master_link_status:down") {
                assert!(begun.elapsed() < PATIENCE, "a replica did not follow");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Node {
    /// So many, each with two ports of its own.
    fn some(count: usize) -> Vec<Self> {
        // Held until all are chosen: none is chosen twice.
        let listeners: Vec<TcpListener> =
            (0..2 * count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
        let port = |listener: &TcpListener| listener.local_addr().expect("its address").port();
        let node = |pair: &[TcpListener]| Self {
            port: port(&pair[0]),
            bus_port: port(&pair[1]),
            folder: tempfile::tempdir().expect("a temporary folder"),
            process: None,
        };
        listeners.chunks(2).map(node).collect()
    }

    fn start(&mut self, program: &PathBuf, in_cluster: bool) {
        let (port, folder) = (self.port.to_string(), self.folder.path().to_string_lossy().into_owned());
        let mut words =
            vec!["--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", "", "--appendonly", "no"];
        let (bus_port, timeout) = (self.bus_port.to_string(), NODE_TIMEOUT_MS.to_string());
        if in_cluster {
            words.extend(["--cluster-enabled", "yes", "--cluster-port", &bus_port, "--cluster-node-timeout", &timeout]);
        }
        let process = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.process = Some(process.expect("redis-server starts"));
        let begun = Instant::now();
        while self.try_ask(&["PING"]).is_none_or(|answer| !answer.contains("PONG")) {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "redis-server did not answer: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ask(&self, words: &[&str]) -> String {
        self.try_ask(words).expect("the server answers")
    }

    fn try_ask(&self, words: &[&str]) -> Option<String> {
        let client = program()?.with_file_name("redis-cli");
        let output = Command::new(client).args(["-p", &self.port.to_string()]).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

fn program() -> Option<PathBuf> {
    std::env::var_os("MADANG_TEST_REDIS_SERVER").map(PathBuf::from)
}
