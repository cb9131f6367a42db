//! Slow, silent, greedy and broken clients.

use std::time::{Duration, Instant};

use api::Settings;
use kernel::returning::RETURN_AFTER_S;
use tokio::io::AsyncWriteExt;

use crate::server::{Server, request};

#[tokio::test]
async fn those_who_never_end_their_head_are_closed_while_others_are_served() {
    let server = Server::start(Settings { header_timeout_ms: 1_000, ..Settings::default() }).await;
    let mut slow = Vec::new();
    for sent in ["", "G", "GET /api/v1/who HTTP/1.1\r\n", "GET /api/v1/who HTTP/1.1\r\nhost: a\r\nx: y"] {
        let mut client = server.connect().await;
        client.write(sent.as_bytes()).await;
        slow.push(client);
    }
    let mut dripping = server.connect().await;
    let drips = tokio::spawn(async move {
        while dripping.stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(server.get("/api/v1/who").await.status, 200);
    for client in &mut slow {
        assert!(client.is_closed().await);
    }
    drips.await.unwrap();
    assert_eq!(server.get("/api/v1/who").await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_end_in_time_is_given_up() {
    let server = Server::start(Settings { body_timeout_ms: 200, ..Settings::default() }).await;
    for path in ["/api/v1/echo", "/lean", "/direct"] {
        let mut client = server.connect().await;
        client.write(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{{").as_bytes()).await;
        assert_eq!(client.answer().await.status, 400, "{path}");
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn heads_and_bodies_have_their_limits() {
    let server = Server::start(Settings::default()).await;
    let long = format!("x-long: {}", "x".repeat(20_000));
    assert_eq!(server.send("GET", "/api/v1/who", &long, "").await.status, 431);
    let many: String = (0..200).map(|number| format!("\r\nx-{number}: y")).collect();
    assert_eq!(server.send("GET", "/api/v1/who", many.trim_start(), "").await.status, 431);

    let fits = format!("\"{}\"", "x".repeat(64 * 1024 - 2));
    assert_eq!(server.send("POST", "/api/v1/echo", "", &fits).await.status, 200);
    for path in ["/api/v1/echo", "/lean", "/direct"] {
        let mut client = server.connect().await;
        client.write(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 65537\r\n\r\n").as_bytes()).await;
        assert_eq!(client.answer().await.problem(), (413, "body_too_large".into()), "{path}");
    }
    let chunk = format!("4000\r\n{}\r\n", "1".repeat(0x4000));
    for path in ["/api/v1/echo", "/direct"] {
        let mut chunked = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
        chunked.write(head.as_bytes()).await;
        for _ in 0..5 {
            // The server may answer and close before the last chunk is out.
            let _ = chunked.stream.write_all(chunk.as_bytes()).await;
        }
        assert_eq!(chunked.answer().await.problem(), (413, "body_too_large".into()), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = Server::start(Settings::default()).await;
    let nonsense: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /lean HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /lean HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12",
    ];
    for bytes in nonsense {
        let mut client = server.connect().await;
        client.write(bytes).await;
        let status = client.answer().await.status;
        assert!((400..=505).contains(&status), "{status} for {:?}", String::from_utf8_lossy(bytes));
        assert!(client.is_closed().await);
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn beyond_the_last_place_connections_are_refused_with_a_word() {
    let server = Server::start(Settings { max_connections: 2, ..Settings::default() }).await;
    let mut held = server.connect().await;
    held.write(request("GET", "/healthz", "", "").as_bytes()).await;
    assert_eq!(held.answer().await.status, 200);
    let mut other = server.connect().await;
    other.write(request("GET", "/healthz", "", "").as_bytes()).await;
    assert_eq!(other.answer().await.status, 200);
    let mut told = Vec::new();
    for _ in 0..20 {
        let refused = server.get("/healthz").await;
        assert_eq!(refused.problem(), (503, "too_many_connections".into()));
        told.push(refused.header("retry-after").unwrap().parse::<u64>().unwrap());
    }
    assert!(told.iter().all(|seconds| RETURN_AFTER_S.contains(seconds)), "{told:?}");
    assert!(told.iter().any(|seconds| *seconds != told[0]), "all would return at one instant: {told:?}");
    drop(held);
    let until = Instant::now() + Duration::from_secs(10);
    while server.get("/healthz").await.status != 200 {
        assert!(Instant::now() < until, "the place never came back");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_loses_its_place() {
    let settings = Settings { max_connections: 1, write_timeout_ms: 200, ..Settings::default() };
    let server = Server::start(settings).await;
    let mut greedy = server.connect().await;
    greedy.write(request("GET", "/lean/large", "", "").as_bytes()).await;
    greedy.read_until(|bytes| (!bytes.is_empty()).then_some(())).await;
    let until = Instant::now() + Duration::from_secs(10);
    while server.get("/healthz").await.status != 200 {
        assert!(Instant::now() < until, "the place never came back");
    }
}
