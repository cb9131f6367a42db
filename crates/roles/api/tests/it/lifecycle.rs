//! Connections over their life: kept alive, upgraded, drained; and panics, which end nothing but their request.

use std::time::{Duration, Instant};

use api::Settings;
use tokio::net::TcpStream;

use crate::server::{Server, request};

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let server = Server::start(Settings::default()).await;
    let bodies = ["1", "", "22", "333"];
    for path in ["/lean", "/direct"] {
        let mut client = server.connect().await;
        let together: String = bodies.iter().map(|body| request("POST", path, "", body)).collect();
        client.write(together.as_bytes()).await;
        for body in bodies {
            let answer = client.answer().await;
            assert_eq!((answer.status, answer.body), (200, format!("127.0.0.1 {}", body.len())), "{path}");
        }
        client.write(request("GET", "/api/v1/who", "", "").as_bytes()).await;
        assert_eq!(client.answer().await.status, 200);
    }
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let server = Server::start(Settings::default()).await;
    let heads = ["content-length: 10\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"];
    for (head, pieces) in
        heads.into_iter().zip([["01234", "567", "89"], ["5\r\n01234\r\n", "5\r\n5678", "9\r\n0\r\n\r\n"]])
    {
        let mut client = server.connect().await;
        client.write(format!("POST /direct HTTP/1.1\r\nhost: a\r\n{head}").as_bytes()).await;
        for piece in pieces {
            client.write(piece.as_bytes()).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(client.answer().await.body, "127.0.0.1 10");
        client.write(request("POST", "/direct", "", "abc").as_bytes()).await;
        assert_eq!(client.answer().await.body, "127.0.0.1 3");
    }
}

#[tokio::test]
async fn a_panic_is_one_500() {
    let server = Server::start(Settings::default()).await;
    let mut client = server.connect().await;
    for (method, path) in [("GET", "/api/v1/panic"), ("GET", "/lean/panic"), ("POST", "/direct/panic")] {
        client.write(request(method, path, "", "").as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!(answer.problem(), (500, "internal".into()));
        assert!(!answer.body.contains("nothing there"), "the cause is logged, not shown");
        client.write(request("GET", "/api/v1/who", "", "").as_bytes()).await;
        assert_eq!(client.answer().await.status, 200, "the same connection goes on");
    }
    assert!(server.get("/api/v1/panic").await.header("x-request-id").is_some());
}

const UPGRADE: &str = "connection: Upgrade\r\nupgrade: echo";

#[tokio::test]
async fn a_connection_is_taken_out_of_http_for_pages_of_this_site() {
    let server = Server::start(Settings::default()).await;
    let path = "/connection/echo?a=b";
    for origin in ["", "\r\norigin: http://madang.test"] {
        let mut client = server.connect().await;
        let upgrade = request("GET", path, &format!("{UPGRADE}{origin}"), "");
        client.write(format!("{upgrade}early ").as_bytes()).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("x-client")), (101, Some("127.0.0.1")), "{answer:?}");
        client.write(b"and late").await;
        client.read_until(|bytes| (bytes == b"early and late").then_some(())).await;
    }
    let foreign = format!("{UPGRADE}\r\norigin: http://evil.test");
    assert_eq!(server.send("GET", path, &foreign, "").await.problem(), (403, "foreign_origin".into()));
}

#[tokio::test]
async fn a_connection_goes_from_direct_requests_to_others_and_stays_there() {
    let server = Server::start(Settings::default()).await;
    let mut client = server.connect().await;
    let direct = request("POST", "/direct", "", "abc");
    let other = request("GET", "/api/v1/who", "", "");
    client.write(format!("{direct}{direct}{other}{direct}").as_bytes()).await;
    for expected in
        ["127.0.0.1 3", "127.0.0.1 3", r#"{"account":null,"address":"127.0.0.1","https":false}"#, "127.0.0.1 3"]
    {
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
}

#[tokio::test]
async fn a_connection_that_was_taken_over_keeps_its_place_until_it_ends() {
    let server = Server::start(Settings { max_connections: 1, ..Settings::default() }).await;
    let mut client = server.connect().await;
    client.write(request("GET", "/connection/echo", UPGRADE, "").as_bytes()).await;
    assert_eq!(client.answer().await.status, 101);
    assert_eq!(server.get("/healthz").await.status, 503);
    drop(client);
    let until = Instant::now() + Duration::from_secs(10);
    while server.get("/healthz").await.status != 200 {
        assert!(Instant::now() < until, "the place never came back");
    }
}

#[tokio::test]
async fn a_stop_lets_requests_end_and_takes_no_new_ones() {
    let server = Server::start(Settings::default()).await;
    let mut idle = server.connect().await;
    idle.write(request("GET", "/healthz", "", "").as_bytes()).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut busy = server.connect().await;
    busy.write(request("GET", "/api/v1/slow", "", "").as_bytes()).await;
    server.slow_began.notified().await;

    server.cancel.cancel();
    assert!(idle.is_closed().await);
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(!server.serving.is_finished());
    server.slow_end.notify_one();
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    server.serving.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = Server::start(Settings { drain_timeout_ms: 100, ..Settings::default() }).await;
    let mut busy = server.connect().await;
    busy.write(request("GET", "/api/v1/slow", "", "").as_bytes()).await;
    server.slow_began.notified().await;
    let began = Instant::now();
    server.cancel.cancel();
    server.serving.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(busy.is_closed().await);
}
