//! A busy room whose listeners are all there by HTTP streams and server-sent events.

use std::{collections::HashSet, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{gateway_alone::Alone, site::PATIENCE};

const LISTENERS: usize = 300;
const SLOW: usize = 24;
/// What each listener publishes, and what the backend does.
const OWN: usize = 2;
const BACKEND: usize = 600;
const LONG: usize = 2_000;
const LONG_BYTES: usize = 4_000;

/// With next to nothing in memory: who is behind reads the log.
const SETTINGS: &str = r#"
[api]
max_connections = 4000
[gateway]
ring_publications = 64
ring_burst_bytes = 0
[gateway.client]
allow_anonymous_connect_without_token = true
[gateway.server_api]
key = "key"
[gateway.namespaces.kept]
durable = true
force_recovery = true
allow_subscribe_for_client = true
allow_subscribe_for_anonymous = true
allow_publish_for_subscriber = true
allow_publish_for_anonymous = true
"#;

/// One client over HTTP. It answers the server's pings.
struct Listener {
    server: Arc<Alone>,
    answer: BufReader<TcpStream>,
    /// What was read of the answer's body and not yet told apart.
    body: Vec<u8>,
    session: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Publication {
    offset: u64,
    data: Value,
}

impl Listener {
    /// Connects and subscribes, over server-sent events or an HTTP stream. `receive_buffer` says how much the kernel takes for it.
    async fn open(server: &Arc<Alone>, over_events: bool, channel: &str, receive_buffer: Option<u32>) -> Self {
        let commands = format!(
            "{}\n{}",
            json!({ "id": 1, "connect": {} }),
            json!({ "id": 2, "subscribe": { "channel": channel } })
        );
        let request = if over_events {
            let query: String = commands.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("GET /connection/sse?cf_connect={query} HTTP/1.1\r\nhost: test\r\n\r\n")
        } else {
            let length = commands.len();
            format!("POST /connection/http_stream HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{commands}")
        };
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let mut stream = socket.connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            answer.read_line(&mut line).await.unwrap();
            assert!(!line.starts_with("HTTP/1.1") || line.contains(" 200 "), "{line}");
        }
        let mut listener = Self { server: server.clone(), answer, body: Vec::new(), session: String::new() };
        let connected: Value = serde_json::from_slice(&listener.message().await).unwrap();
        listener.session = connected["connect"]["session"].as_str().unwrap().to_owned();
        let subscribed: Value = serde_json::from_slice(&listener.message().await).unwrap();
        assert!(subscribed["subscribe"].is_object(), "{subscribed}");
        listener
    }

    /// Sends a frame in a request of its own.
    async fn send(&self, data: &Value) {
        let body = json!({ "session": self.session, "node": "1", "data": data.to_string() }).to_string();
        let answer = self.server.answer("POST /emulation", &body).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    /// The next publication; answers to commands are passed over, unless they are errors.
    async fn publication(&mut self) -> Publication {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Message {
            push: Push,
            error: Value,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Push {
            r#pub: Publication,
            disconnect: Value,
            unsubscribe: Value,
        }
        loop {
            let bytes = self.message().await;
            let Message { push, error } = serde_json::from_slice(&bytes).unwrap();
            let ends = [error, push.disconnect, push.unsubscribe];
            assert_eq!(ends, [Value::Null, Value::Null, Value::Null]);
            if push.r#pub.offset > 0 {
                return push.r#pub;
            }
            if bytes == b"{}" {
                self.send(&json!({})).await;
            }
        }
    }

    /// The next message.
    async fn message(&mut self) -> Vec<u8> {
        loop {
            let line = self.body.iter().position(|byte| *byte == b'\n');
            match line.map(|end| self.body.drain(..=end).collect::<Vec<_>>()) {
                // Between server-sent events.
                Some(line) if line == b"\n" => {}
                Some(line) => {
                    let message = line.strip_prefix(b"data: ").unwrap_or(&line);
                    return message.trim_ascii().to_vec();
                }
                None => self.read_chunk().await,
            }
        }
    }

    /// One more chunk of the body (RFC 9112 §7.1).
    async fn read_chunk(&mut self) {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.answer.read_line(&mut line)).await;
        read.expect("nothing comes any more").unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        assert!(length > 0, "the answer ended");
        let mut chunk = vec![0; length + 2];
        self.answer.read_exact(&mut chunk).await.unwrap();
        self.body.extend_from_slice(&chunk[..length]);
    }

    /// Reads `count` publications; each has the offset behind the one before, and none is there twice.
    async fn read_all(mut self, count: usize) -> Vec<Value> {
        let mut all = Vec::with_capacity(count);
        for offset in 1..=count as u64 {
            let publication = self.publication().await;
            assert_eq!(publication.offset, offset, "after {} publications", all.len());
            all.push(publication.data);
        }
        all
    }
}

async fn publish(server: &Alone, channel: &str, all: &[Value]) {
    let commands: Vec<_> = all.iter().map(|data| json!({ "publish": { "channel": channel, "data": data } })).collect();
    let body = json!({ "commands": commands, "parallel": true }).to_string();
    let answer = server.answer("POST /api/batch", &body).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_room_over_http_loses_doubles_and_swaps_nothing() {
    let server = Arc::new(Alone::start(SETTINGS).await);
    let mut listeners = Vec::new();
    for number in 0..LISTENERS {
        listeners.push(Listener::open(&server, number < LISTENERS / 2, "kept:room", None).await);
    }
    let total = LISTENERS * OWN + BACKEND;
    let mut reading = JoinSet::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        reading.spawn(async move {
            for own in 0..OWN {
                let data = json!(format!("listener {number}, {own}"));
                let publish = json!({ "id": 3 + own, "publish": { "channel": "kept:room", "data": data } });
                listener.send(&publish).await;
            }
            listener.read_all(total).await
        });
    }
    let messages: Vec<_> = (0..BACKEND).map(|number| json!(format!("backend {number}"))).collect();
    for some in messages.chunks(50) {
        publish(&server, "kept:room", some).await;
    }
    let first = reading.join_next().await.unwrap().unwrap();
    while let Some(read) = reading.join_next().await {
        assert!(read.unwrap() == first, "two listeners read another order");
    }
    let different: HashSet<_> = first.iter().map(|data| data.as_str().unwrap()).collect();
    assert_eq!(different.len(), total, "something was published twice, and something else never");
    for number in 0..LISTENERS {
        let place = |own: usize| first.iter().position(|data| *data == json!(format!("listener {number}, {own}")));
        assert!(place(0) < place(1), "what one listener sent first comes first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_events_catch_up_and_cost_no_memory_meanwhile() {
    let server = Arc::new(Alone::start(SETTINGS).await);
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(Listener::open(&server, true, "kept:long", Some(4 << 10)).await);
    }
    let quick = Listener::open(&server, true, "kept:long", None).await;
    let quick = tokio::spawn(quick.read_all(LONG));
    let (before, _) = server.memory();
    for number in (0..LONG).step_by(10) {
        let long = "x".repeat(LONG_BYTES);
        let some: Vec<_> = (number..number + 10).map(|number| json!({ "number": number, "long": long })).collect();
        publish(&server, "kept:long", &some).await;
    }
    let read = quick.await.unwrap();

    let mut catching_up = JoinSet::new();
    slow.into_iter().for_each(|listener| drop(catching_up.spawn(listener.read_all(LONG))));
    while let Some(late) = catching_up.join_next().await {
        assert!(late.unwrap() == read, "a slow reader read something else");
    }
    let (_, most) = server.memory();
    let all_of_it = (SLOW * LONG * LONG_BYTES) as u64;
    let grown = most - before;
    assert!(grown < all_of_it / 3, "{} MiB for what is {} MiB in all", grown >> 20, all_of_it >> 20);
}
