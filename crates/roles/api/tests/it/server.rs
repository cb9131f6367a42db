//! A shell on a free port with a few routes of its own, and a client that speaks HTTP byte by byte.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use api::{Authenticator, Check, Parts, Readiness, Settings, Shell, Site, Tls};
use async_trait::async_trait;
use axum::{
    Json, Router,
    body::Bytes,
    http::StatusCode,
    routing::{get, post},
};
use kernel::{AccountId, Clock, Identity, SessionId, Timestamp};
use rest::{
    Answering, Body, ClientAddress, Direct, DirectAnswer, Https, Opened, Serving, SignedIn, Takeover, UpgradeRequest,
    Visitor, Wire,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;

/// The token of the one person who is known.
pub(crate) const TOKEN: &str = "known";
/// Bytes of `/lean/large`: more than a connection's buffers hold.
const LARGE: usize = 64 * 1024 * 1024;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) cancel: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    /// Is told when `/api/v1/slow` begins.
    pub(crate) slow_began: Arc<Notify>,
    /// Ends one `/api/v1/slow`.
    pub(crate) slow_end: Arc<Notify>,
    pub(crate) clock: Arc<HandClock>,
}

pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct OnePerson;

#[async_trait]
impl Authenticator for OnePerson {
    async fn identify(&self, token: &str) -> Result<Option<Identity>, String> {
        let (account, session) = (AccountId::from_raw(7), SessionId::from_raw(8));
        let names = ("hana".to_owned(), "하나".to_owned());
        match token {
            TOKEN => Ok(Some(Identity { account, session, handle: names.0, display_name: names.1, admin: false })),
            "broken" => Err("the database is away".into()),
            _ => Ok(None),
        }
    }
}

struct HalfReady;

#[async_trait]
impl Readiness for HalfReady {
    async fn checks(&self) -> Vec<Check> {
        let blobs = Err("the disk is full".to_owned());
        vec![Check { name: "database", result: Ok(()) }, Check { name: "blobs", result: blobs }]
    }
}

impl Server {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_with(settings, None).await
    }

    pub(crate) async fn start_with(settings: Settings, tls: Option<Arc<ServerConfig>>) -> Self {
        let shell = Shell::bind(settings, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = shell.local_address();
        let cancel = CancellationToken::new();
        let (slow_began, slow_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let clock = Arc::new(HandClock(AtomicI64::new(1_790_000_000_000)));
        let is_certified = Arc::new(AtomicBool::new(true));
        let tls = tls.map(|config| Tls { config, is_certified, only_shaking_hands: Vec::new() });
        let parts = Parts { tls, ..parts(slow_began.clone(), slow_end.clone(), clock.clone()) };
        let serving = tokio::spawn(shell.serve(parts, cancel.clone()));
        Self { address, cancel, serving, slow_began, slow_end, clock }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), unread: Vec::new() }
    }

    /// One request on a connection of its own; `headers` are whole lines, separated by `\r\n`.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut client = self.connect().await;
        client.write(request(method, path, headers, body).as_bytes()).await;
        client.answer().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: madang.test\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn parts(slow_began: Arc<Notify>, slow_end: Arc<Notify>, clock: Arc<HandClock>) -> Parts {
    let slow = move || {
        let (began, end) = (slow_began.clone(), slow_end.clone());
        async move {
            began.notify_one();
            end.notified().await;
            "done"
        }
    };
    let who = |Visitor(caller): Visitor, https: Https| async move {
        Json(json!({ "account": caller.account(), "address": caller.address, "https": https.0 }))
    };
    let api = Router::new()
        .route("/api/v1/who", get(who))
        .route("/api/v1/echo", post(|Body(value): Body<Value>| async move { Json(value) }))
        .route("/api/v1/mine", post(|_: SignedIn| async { StatusCode::NO_CONTENT }))
        .route("/api/v1/long", get(|| async { Json(vec!["ha-ha-ha"; 1_000]) }))
        .route("/api/v1/panic", get(panicking))
        .route("/api/v1/slow", get(slow));
    let lean = Router::new()
        .route(
            "/lean",
            post(
                |ClientAddress(address): ClientAddress, body: Bytes| async move { format!("{address} {}", body.len()) },
            ),
        )
        .route("/lean/panic", get(panicking))
        .route("/lean/large", get(|| async { Bytes::from(vec![b'x'; LARGE]) }));
    Parts {
        api: api.into(),
        lean: lean.into(),
        direct: vec![Arc::new(Measuring), Arc::new(Panicking)],
        takeovers: vec![Arc::new(Echo)],
        realtime: Router::new(),
        ready: Arc::new(HalfReady),
        seed: 7,
        metrics: Arc::new(|| "madang_things 1".into()),
        authenticator: Arc::new(OnePerson),
        clock,
        site: Arc::new(|| Site {
            name: "마당".into(),
            locale_default: "ko".into(),
            registration_open: true,
            notice: "점검".into(),
            version: "1.2.3".into(),
        }),
        media_origins: vec!["https://store.test".parse().unwrap(), "https://cdn.test".parse().unwrap()],
        pages: true,
        tls: None,
    }
}

async fn panicking() -> StatusCode {
    panic!("nothing there")
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Status and code of what must be a problem with all its fields.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer; its body has a length.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head_end = self.read_until(|bytes| bytes.windows(4).position(|window| window == b"\r\n\r\n")).await + 4;
        let head = String::from_utf8(self.unread.drain(..head_end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new(), bytes: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        self.read_until(|bytes| (bytes.len() >= length).then_some(length)).await;
        answer.bytes = self.unread.drain(..length).collect();
        answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
        answer
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 64]).await, Ok(0) | Err(_))
    }

    pub(crate) async fn read_until<T>(&mut self, found: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(found) = found(&self.unread) {
                return found;
            }
            let mut bytes = [0; 16 * 1024];
            let count = self.stream.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "the connection ended after {:?}", String::from_utf8_lossy(&self.unread));
            self.unread.extend_from_slice(&bytes[..count]);
        }
    }
}

/// Tells the client's address and the size of the body, as `/lean` does.
struct Measuring;

impl Direct for Measuring {
    fn path(&self) -> &'static str {
        "/direct"
    }

    fn body_bytes_max(&self) -> usize {
        kernel::limits::JSON_BODY_BYTES
    }

    fn answer(&self, body: Bytes, client: IpAddr) -> Answering<'_> {
        Box::pin(
            async move { DirectAnswer { body: format!("{client} {}", body.len()).into(), ..DirectAnswer::json(&()) } },
        )
    }
}

struct Panicking;

impl Direct for Panicking {
    fn path(&self) -> &'static str {
        "/direct/panic"
    }

    fn body_bytes_max(&self) -> usize {
        0
    }

    fn answer(&self, _: Bytes, _: IpAddr) -> Answering<'_> {
        Box::pin(async { panic!("a handler that fails") })
    }
}

/// Sends back what it gets, once it is no longer HTTP.
struct Echo;

impl Takeover for Echo {
    fn path(&self) -> &'static str {
        "/connection/echo"
    }

    fn open(&self, request: &UpgradeRequest<'_>) -> Result<Opened, DirectAnswer> {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nx-client: {}\r\n\r\n", request.client);
        let serve = |mut wire: Wire, early: Bytes| -> Serving {
            Box::pin(async move {
                wire.write_all(&early).await.unwrap();
                let mut bytes = [0; 1_024];
                while let Ok(count @ 1..) = wire.read(&mut bytes).await {
                    wire.write_all(&bytes[..count]).await.unwrap();
                }
            })
        };
        Ok(Opened { answer: answer.into(), serve: Box::new(serve) })
    }
}
