//! HTTPS and WSS, spoken by the server itself.

use std::{fs, path::Path, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{
    gateway_alone::Alone,
    realtime::Connection,
    secure::{Certificate, Client, borrowed},
    site::{PATIENCE, Site, until},
};

/// A site that speaks TLS, and a client that trusts it.
async fn start(certificate: &Certificate, others: &[(&str, &str)]) -> (Site, Client) {
    let settings = certificate.settings(others);
    let site = Site::start_with(&borrowed(&settings)).await;
    let client = Client::new(site.http, &[certificate]);
    (site, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_and_everything_knows_it() {
    let certificate = Certificate::make();
    let (site, client) = start(&certificate, &[]).await;
    assert!(site.output.contains(&format!("  Web UI    https://{}", site.http)), "{:?}", site.output);
    let mut http = client.http1().await;
    assert_eq!(http.get("/healthz").await.status, 200);
    assert!(http.get("/").await.body.starts_with(b"<!doctype html>"), "the web UI");
    let body = json!({ "handle": "host", "password": "correct horse", "display_name": "Host" });
    let account = http.post("/api/v1/accounts", None, &body).await;
    let cookie = account.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let gateways = http.get("/api/v1/gateways").await.json();
    assert_eq!(gateways["items"][0]["url"], format!("wss://{}/connection/websocket", site.http));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_over_wss_reaches_slow_readers_whole_and_pages_of_other_sites_are_kept_out() {
    let certificate = Certificate::make();
    let (site, client) = start(&certificate, &[("MADANG_CHAT_RATE", "off"), ("MADANG_CHAT_ROOM_RATE", "off")]).await;
    let mut http = client.http1().await;
    let body = json!({ "handle": "host", "password": "correct horse", "display_name": "Host" });
    let token = http.post("/api/v1/accounts", None, &body).await.json()["token"].as_str().unwrap().to_owned();
    let broadcast = http.post("/api/v1/broadcasts", Some(&token), &json!({ "title": "Show" })).await.json();
    let channel = format!("chat:{}", broadcast["id"].as_str().unwrap());

    let url = format!("wss://{}/connection/websocket", site.http);
    let page = |origin: String| {
        let mut request = url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    let foreign = client.connect(&[b"http/1.1"]).await.unwrap();
    let foreign = tokio_tungstenite::client_async(page("https://elsewhere.example".into()), foreign).await;
    assert!(foreign.is_err(), "another site's page was let in");

    let own = || page(format!("https://{}", site.http));
    let mut sleeper = Connection::over(client.connect(&[b"http/1.1"]).await.unwrap(), own(), "").await;
    sleeper.call("subscribe", json!({ "channel": channel })).await.unwrap();
    let mut writer = Connection::over(client.connect(&[]).await.unwrap(), own(), &token).await;
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
    // And one by one: what is written has to leave, whether or not something follows.
    for offset in 3_001..=3_020_u64 {
        let data = json!({ "text": "hello", "client_id": offset.to_string() });
        assert!(
            writer.call("publish", json!({ "channel": channel, "data": data })).await.unwrap()["publish"].is_object()
        );
        assert_eq!(sleeper.publication().await.unwrap()["pub"]["offset"], offset);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realtime_server_on_its_own_speaks_wss() {
    let certificate = Certificate::make();
    let settings = format!(
        "gateway.client.insecure = true\ntls.certificate = {:?}\ntls.key = {:?}\n",
        certificate.chain(),
        certificate.key()
    );
    let server = Alone::start(&settings).await;
    let client = Client::new(server.address, &[&certificate]);
    let url = format!("wss://{}/connection/websocket", server.address);
    let mut connection = Connection::over(client.connect(&[]).await.unwrap(), url, "").await;
    assert!(connection.call("subscribe", json!({ "channel": "news" })).await.unwrap()["subscribe"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_certificate_is_taken_over_and_a_broken_one_is_not() {
    let (first, second) = (Certificate::make(), Certificate::make());
    let settings = first.settings(&[("MADANG_TLS_LOOK_EVERY_MS", "20")]);
    let site = Site::start_with(&borrowed(&settings)).await;
    let old = first.shown();
    let client = Client::new(site.http, &[&first, &second]);
    assert_eq!(client.shown().await, old);
    let mut open = client.http1().await;

    fs::write(first.chain(), "no certificate").unwrap();
    until("the broken one was looked at", async || {
        let counted = String::from_utf8(open.get("/metrics").await.body.into()).unwrap();
        counted.contains("\nmadang_tls_certificates_refused_total").then_some(())
    })
    .await;
    assert_eq!(client.shown().await, old);

    fs::copy(second.chain(), first.chain()).unwrap();
    fs::copy(second.key(), first.key()).unwrap();
    until("the new certificate is shown", || async { (client.shown().await == second.shown()).then_some(()) }).await;
    assert_eq!(open.get("/healthz").await.status, 200, "who is connected stays connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_refused_by_name() {
    let (certificate, other) = (Certificate::make(), Certificate::make());
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let (chain, key, missing) = (certificate.chain(), certificate.key(), folder.path().join("missing.pem"));
    let cases: [(&Path, &Path, &[&str]); 7] = [
        (&chain, Path::new(""), &["tls.key", "not set"]),
        (Path::new(""), &key, &["tls.certificate", "not set"]),
        (&missing, &key, &["tls.certificate", "missing.pem"]),
        (&chain, &missing, &["tls.key", "missing.pem"]),
        (&empty, &key, &["tls.certificate", "empty.pem"]),
        (&chain, &chain, &["tls.key", "no private key"]),
        (&chain, &other.key(), &["tls.key", "not the key of the certificate"]),
    ];
    for (chain, key, told) in cases {
        let settings = [("MADANG_TLS_CERTIFICATE", chain.to_str().unwrap()), ("MADANG_TLS_KEY", key.to_str().unwrap())];
        let (status, error) = Site::refused(&settings).await;
        assert!(!status.success(), "{settings:?}");
        assert!(told.iter().all(|word| error.contains(word)), "{settings:?} was refused with {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_shake_hands_is_let_go_while_others_are_served() {
    let certificate = Certificate::make();
    let (site, client) = start(&certificate, &[("MADANG_API_HEADER_TIMEOUT_MS", "2000")]).await;
    let mut idle = Vec::new();
    // Nothing; the first byte of a handshake; the head of a long one, and no more.
    for sent in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1, 0, 1]] {
        let mut stream = TcpStream::connect(site.http).await.unwrap();
        stream.write_all(sent).await.unwrap();
        idle.push(stream);
    }
    assert_eq!(client.http1().await.get("/healthz").await.status, 200);
    for stream in &mut idle {
        assert_eq!(stream.try_read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "let go too early");
    }
    for stream in &mut idle {
        let end = timeout(PATIENCE, stream.read(&mut [0; 64])).await.expect("it is let go");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_plain_http_is_told_to_speak_tls() {
    let certificate = Certificate::make();
    let (site, _) = start(&certificate, &[]).await;
    let mut stream = TcpStream::connect(site.http).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_place_is_told_so_over_tls() {
    let certificate = Certificate::make();
    let (_site, client) = start(&certificate, &[("MADANG_API_MAX_CONNECTIONS", "1")]).await;
    let mut held = client.http1().await;
    assert_eq!(held.get("/healthz").await.status, 200);
    let refused = client.http1().await.get("/healthz").await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("too_many_connections")));
}
