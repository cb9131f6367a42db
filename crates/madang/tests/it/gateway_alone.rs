//! `--role gateway`: what it refuses to start with, whom it lets in, and what happens to those WebSockets do not reach.

use std::{net::SocketAddr, process::Stdio};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    ground,
    realtime::Connection,
    site::{PATIENCE, Person, Site, id, until},
};

/// A realtime server on its own.
pub(crate) struct Alone {
    child: Child,
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    pub(crate) address: SocketAddr,
}

impl Alone {
    /// One with these settings.
    pub(crate) async fn start(settings: &str) -> Self {
        Self::start_on(settings, ground::settings(&[]).await).await
    }

    /// One with these settings and variables.
    pub(crate) async fn start_on(settings: &str, variables: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("madang.toml"), settings).unwrap();
        Self::spawn(folder, "127.0.0.1:0".parse().unwrap(), variables).await
    }

    /// Asks it to end; when it has, a new start on the same data and the same port.
    pub(crate) async fn stop_and_restart(mut self) -> Self {
        assert!(self.end().await, "it ends well");
        Self::spawn(self.folder, self.address, self.variables).await
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and returns when it has; whether it ended well.
    pub(crate) async fn stop(mut self) -> bool {
        self.end().await
    }

    async fn end(&mut self) -> bool {
        let pid = self.child.id().unwrap().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().success()
    }

    /// The answer of the server API: its `result`, or its `error`.
    pub(crate) async fn api(&self, method: &str, command: &Value) -> Result<Value, Value> {
        let mut answer = self.json(&format!("POST /api/{method}"), &command.to_string()).await;
        if answer["error"].is_null() { Ok(answer["result"].take()) } else { Err(answer["error"].take()) }
    }

    /// The JSON that is answered at once.
    pub(crate) async fn json(&self, head: &str, body: &str) -> Value {
        let stream = self.request(head, body).await;
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while tokio::time::timeout(PATIENCE, stream.read_line(&mut line)).await.unwrap().unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut body)).await.unwrap().unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// `kill -9`, and a new start on the same data and the same port.
    pub(crate) async fn kill_and_restart(mut self) -> Self {
        self.child.kill().await.unwrap();
        Self::spawn(self.folder, self.address, self.variables).await
    }

    async fn spawn(folder: tempfile::TempDir, http: SocketAddr, variables: Vec<(String, String)>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_madang"))
            .args(["serve", "--role", "gateway", "--http", &http.to_string(), "--config"])
            .arg(folder.path().join("madang.toml"))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap();
            let line = line.expect("the server ended before it was ready; its messages are above");
            if let Some((_, rest)) = line.split_once("://") {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, folder, variables, address }
    }

    /// The reply to the connect command with this token, or the code the connection is closed with.
    async fn connect(&self, token: &str) -> Result<Value, u16> {
        let url = format!("ws://{}/connection/websocket", self.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let command = json!({ "id": 1, "connect": { "token": token } }).to_string();
        socket.send(Message::text(command)).await.unwrap();
        match tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(Some(frame)) => Err(frame.code.into()),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a request; the connection, to be read from.
    pub(crate) async fn request(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request =
            format!("{head} HTTP/1.1\r\nhost: test\r\nx-api-key: key\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The answer to a request that is answered at once.
    pub(crate) async fn answer(&self, head: &str, body: &str) -> String {
        let mut stream = self.request(head, body).await;
        let (mut answer, mut room) = (Vec::new(), [0; 4096]);
        while !answer.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            let count = tokio::time::timeout(PATIENCE, stream.read(&mut room)).await.unwrap().unwrap();
            answer.extend_from_slice(&room[..count]);
        }
        String::from_utf8(answer).unwrap()
    }

    /// Its memory, now and at the most so far, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    async fn clients(&self) -> Value {
        self.api("info", &json!({})).await.unwrap()["nodes"][0]["num_clients"].clone()
    }
}

/// Reads until `text` came; everything up to then.
pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = String::new();
    let mut room = [0; 4096];
    while !read.contains(text) {
        let count = tokio::time::timeout(PATIENCE, stream.read(&mut room)).await.expect(text).unwrap();
        assert!(count > 0, "it ended without {text}: {read}");
        read.push_str(std::str::from_utf8(&room[..count]).unwrap());
    }
    read
}

#[tokio::test]
async fn settings_that_cannot_be_meant_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, word) in [
        ("role = \"gateways\"", "gateways"),
        ("[gateway.namespaces.a]\nhistory = 5", "history"),
        ("[gateway.namespaces.a]\nhistory_size = 5", "gateway.namespaces.a"),
        ("[gateway.namespaces.\"a:b\"]", "a:b"),
        ("[gateway.without_namespace]\nhistory_ttl = \"soon\"", "soon"),
        ("[gateway.client.token]\nrsa_public_key = \"x\"", "gateway.client.token.rsa_public_key"),
        ("[gateway.client.token]\njwks_public_endpoint = \"ftp://x\"", "jwks_public_endpoint"),
        ("role = \"all\"\n[gateway.namespaces.chat]\n", "gateway.namespaces.chat"),
    ] {
        let config = folder.path().join("madang.toml");
        let role = if settings.starts_with("role") { "" } else { "role = \"gateway\"\n" };
        std::fs::write(&config, format!("{role}{settings}")).unwrap();
        let (status, told) = Site::refused(&[("MADANG_CONFIG", config.to_str().unwrap())]).await;
        assert!(!status.success() && told.contains(word), "{settings}: {told}");
    }
}

#[tokio::test]
async fn keys_are_fetched_from_where_the_settings_say() {
    let keys = include_str!("../../../roles/gateway/src/tokens/testdata/keys.json");
    let tokens = include_str!("../../../roles/gateway/src/tokens/testdata/tokens.txt");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", keys.len());
            let _ = stream.write_all(format!("{head}{keys}").as_bytes()).await;
        }
    });
    let settings = format!("[gateway.client.token]\njwks_public_endpoint = \"http://{endpoint}/keys.json\"");
    let server = Alone::start(&settings).await;
    for line in tokens.lines() {
        let (algorithm, token) = line.split_once(' ').unwrap();
        let reply = server.connect(token).await.unwrap();
        assert!(reply["connect"]["client"].is_string(), "{algorithm}: {reply}");
    }
    let (_, token) = tokens.lines().next().unwrap().split_once(' ').unwrap();
    assert_eq!(server.connect(&token[..token.len() - 8]).await, Err(3500));
    assert_eq!(server.connect("").await, Err(3500), "nobody connects without a token");
}

#[tokio::test]
async fn a_session_over_http_ends_with_its_response_and_obeys_the_protocol() {
    let server = Alone::start("[gateway.client]\ninsecure = true\n[gateway.server_api]\nkey = \"key\"").await;
    let mut stream = server.request("POST /connection/http_stream", r#"{"id":1,"connect":{}}"#).await;
    let opened = read_until(&mut stream, "\"session\"").await;
    let session = opened.split("\"session\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let frame = |data: &str| json!({ "session": session, "node": "1", "data": data }).to_string();
    let subscribe = frame(r#"{"id":2,"subscribe":{"channel":"a"}}"#);
    assert!(server.answer("POST /emulation", &subscribe).await.starts_with("HTTP/1.1 204"));
    read_until(&mut stream, "\"id\":2").await;
    server.answer("POST /api/publish", r#"{"channel":"a","data":"hello over there"}"#).await;
    read_until(&mut stream, "hello over there").await;
    assert_eq!(server.clients().await, 1);

    drop(stream);
    until("the session is over", || async { (server.clients().await == 0).then_some(()) }).await;
    assert!(server.answer("POST /emulation", &subscribe).await.starts_with("HTTP/1.1 404"));
    assert!(server.answer("POST /emulation", "{}").await.starts_with("HTTP/1.1 400"));
    assert!(server.answer("GET /connection/sse", "").await.starts_with("HTTP/1.1 400"));

    // What breaks the protocol is told in a push, because there is no close code; then the response ends.
    for (head, body) in [
        ("POST /connection/http_stream", "nonsense"),
        ("POST /connection/http_stream", r#"{"id":1,"subscribe":{"channel":"a"}}"#),
        ("GET /connection/sse?cf_connect=nonsense", ""),
    ] {
        let mut stream = server.request(head, body).await;
        let told = read_until(&mut stream, "\r\n0\r\n\r\n").await;
        assert!(told.contains("\"disconnect\":{\"code\":3501"), "{head}: {told}");
    }
    assert_eq!(server.clients().await, 0);
    assert!(server.answer("GET /", "").await.starts_with("HTTP/1.1 404"), "there is no web UI here");
    assert!(server.answer("GET /readyz", "").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_server_that_ends_sends_sessions_over_http_elsewhere() {
    let server = Alone::start("[gateway.client]\ninsecure = true").await;
    let mut stream = server.request("POST /connection/http_stream", r#"{"id":1,"connect":{}}"#).await;
    read_until(&mut stream, "\"session\"").await;
    let (told, ended_well) = tokio::join!(read_until(&mut stream, "\r\n0\r\n\r\n"), server.stop());
    assert!(told.contains("\"disconnect\":{\"code\":3001"), "{told}");
    assert!(ended_well);
}

/// Of the user 42, until 2100, by the secret `secret`.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiIsImV4cCI6NDEwMjQ0NDgwMH0.M_VfhGMqfmyf4VDriS4dpLAF_Loc8gummQeWZ_frmiQ";

#[tokio::test(flavor = "multi_thread")]
async fn a_site_has_the_configured_channels_beside_its_own() {
    let site = Site::start_with(&[
        ("MADANG_GATEWAY_CLIENT_TOKEN_HMAC_SECRET_KEY", "secret"),
        ("MADANG_GATEWAY_WITHOUT_NAMESPACE_ALLOW_SUBSCRIBE_FOR_CLIENT", "true"),
        ("MADANG_GATEWAY_WITHOUT_NAMESPACE_ALLOW_PUBLISH_FOR_SUBSCRIBER", "true"),
    ])
    .await;
    let host = site.person("host").await;
    let chat = format!("chat:{}", id(&site.broadcast(&host).await));
    let user = Person { handle: String::new(), account: String::new(), token: TOKEN.into() };
    let mut bearer = Connection::open(&site, Some(&user)).await;
    for channel in ["lobby", chat.as_str()] {
        let reply = bearer.call("subscribe", json!({ "channel": channel })).await.unwrap();
        assert!(reply["subscribe"].is_object(), "{channel}: {reply}");
    }
    // The account speaks in its chat and in the lobby, the bearer of a token, whom the site does not know, in the lobby alone.
    let mut account = Connection::open(&site, Some(&host)).await;
    account.call("subscribe", json!({ "channel": "lobby" })).await.unwrap();
    for (channel, data) in [("lobby", json!({ "n": 1 })), (chat.as_str(), json!({ "text": "hi" }))] {
        let reply = account.call("publish", json!({ "channel": channel, "data": data })).await.unwrap();
        assert!(reply["publish"].is_object(), "{channel}: {reply}");
        let heard = bearer.publication().await.unwrap();
        assert_eq!(heard["channel"], channel, "{heard}");
    }
    let refused = bearer.call("publish", json!({ "channel": chat, "data": { "text": "hi" } })).await.unwrap();
    assert_eq!(refused["error"]["code"], 101, "{refused}");
    let mut visitor = Connection::open(&site, None).await;
    let refused = visitor.call("subscribe", json!({ "channel": "lobby" })).await.unwrap();
    assert_eq!(refused["error"]["code"], 103, "{refused}");
}
