//! Slow, silent and malicious peers: each gets a clear end, and the others notice nothing.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    encoder::Encoder,
    realtime::Connection,
    site::{PATIENCE, Site, id, until},
};

async fn raw(site: &Site, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(site.http).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Processor time the server has used, in ticks of 10 ms (proc(5), fields 14 and 15 of stat).
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_is_answered_and_others_are_served() {
    let site = Site::start().await;
    assert!(raw(&site, b"NONSENSE\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let huge = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let answer = raw(&site, huge.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let body = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{}",
        1 << 17,
        "z".repeat(1 << 17)
    );
    let answer = raw(&site, body.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("application/problem+json"), "{answer}");
    let answer = raw(&site, b"GET /api/v1/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("application/problem+json"), "{answer}");
    let (status, _) = site.api.fetch("/healthz").await.unwrap();
    assert_eq!(status, 200);
}

/// Half of what a process may have open as files, where the limit is the usual one of a server.
const SILENT_ENCODERS: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_sends_nothing_or_nonsense_costs_nothing() {
    let site = Site::start_with(&[("MADANG_INGEST_HANDSHAKE_TIMEOUT_MS", "120000")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let mut silent = Vec::new();
    for number in 0..SILENT_ENCODERS {
        let socket = TcpSocket::new_v4().unwrap();
        // One address may hold few connections that do not publish.
        socket.bind(SocketAddr::from(([127, 0, 1, (number % 100) as u8], 0))).unwrap();
        silent.push(socket.connect(site.rtmp).await.unwrap());
    }
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4096], &[3; 8192], &[]] {
        let mut socket = TcpStream::connect(site.rtmp).await.unwrap();
        let _ = socket.write_all(bytes).await;
        drop(socket);
    }
    let before = ticks(site.pid());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = ticks(site.pid()) - before;
    assert!(used < 50, "{used} ticks of processor time in a second of silence");
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 30);
    site.until_state(&broadcast, "live").await;
    encoder.kill().await;
    let held = silent.iter().filter(|socket| !is_closed(socket)).count();
    assert_eq!(held, SILENT_ENCODERS, "none of them had to go");
}

fn is_closed(socket: &TcpStream) -> bool {
    !matches!(socket.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_realtime_frames_end_only_their_own_connection() {
    let site = Site::start().await;
    let url = format!("ws://{}/connection/websocket", site.http);
    let mut witness = Connection::open(&site, None).await;
    for frame in [
        Message::text("not json"),
        Message::text("{\"id\":1,\"subscribe\":{}}"),
        Message::binary(vec![0_u8; 9]),
        Message::text("[".repeat(60_000)),
    ] {
        let (mut socket, _) = connect_async(&url).await.unwrap();
        socket.send(frame.clone()).await.unwrap();
        let end = until_closed(&mut socket).await;
        assert!(end.is_some_and(|code| (3500..4000).contains(&code)), "{frame:?} was answered {end:?}");
    }
    let reply = witness.call("rpc", json!({ "method": "no_such_method", "data": {} })).await.unwrap();
    assert_eq!(reply["error"]["code"], 104);

    let mut foreign = url.into_client_request().unwrap();
    foreign.headers_mut().insert("origin", "https://elsewhere.example".parse().unwrap());
    assert!(connect_async(foreign).await.is_err(), "another site's page was let in");
}

async fn until_closed<S>(socket: &mut S) -> Option<u16>
where
    S: StreamExt<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.expect("the server closes") {
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => (),
            Some(Err(_)) | None => return None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_reads_loses_nothing_and_harms_nobody() {
    let site = Site::start_with(&[("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let channel = format!("chat:{}", id(&broadcast));
    let mut sleeper = Connection::open(&site, None).await;
    sleeper.call("subscribe", json!({ "channel": channel })).await.unwrap();
    let mut writer = Connection::open(&site, Some(&host)).await;
    for number in 0..3_000 {
        let data = json!({ "text": format!("{number} {}", "long ".repeat(80)), "client_id": number.to_string() });
        writer.send("publish", json!({ "channel": channel, "data": data })).await.unwrap();
    }
    let mut acknowledged = 0;
    while acknowledged < 3_000 {
        acknowledged += usize::from(writer.message().await.unwrap()["publish"].is_object());
    }
    for offset in 1..=3_000_u64 {
        assert_eq!(sleeper.publication().await.unwrap()["pub"]["offset"], offset);
    }
    until("the site is well", || async { (site.api.fetch("/readyz").await.ok()?.0 == 200).then_some(()) }).await;
}
