//! What a server shows besides its API: metrics, the files of the web UI, what it does not have yet, and why it does not start.

use std::path::Path;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    realtime::Connection,
    site::{PATIENCE, Site, id},
};

/// The head of the answer to a GET, in small letters, and its body.
async fn get(site: &Site, path: &str, accepted: &str) -> (String, Vec<u8>) {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: madang\r\naccept-encoding: {accepted}\r\nconnection: close\r\n\r\n");
    let mut socket = TcpStream::connect(site.http).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("the server answers").unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

/// The sum of a counter over its labels.
async fn counted(site: &Site, name: &str) -> f64 {
    let (head, body) = get(site, "/metrics", "identity").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/plain"), "{head}");
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains(&format!("# TYPE {name} counter\n")), "{text}");
    let is_sample = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    text.lines().filter(is_sample).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_is_asked_for() {
    let site = Site::start().await;
    site.api.fetch("/healthz").await.unwrap();
    let before = counted(&site, "madang_http_requests_total").await;
    for _ in 0..5 {
        site.api.get("/api/v1/site", None).await.unwrap();
    }
    let after = counted(&site, "madang_http_requests_total").await;
    assert!(after >= before + 5.0, "{before}, then five requests, then {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_web_ui_come_compressed_and_are_kept_for_ever() {
    let site = Site::start().await;
    let (head, page) = get(&site, "/", "identity").await;
    assert!(head.contains("cache-control: no-cache") && !head.contains("content-encoding"), "{head}");
    let page = String::from_utf8(page).unwrap();
    let sources = page.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let script = sources.filter(|path| path.ends_with(".js")).find(|path| path.starts_with("/assets/"));
    let script = script.expect("the page has a script");

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist").join(script.trim_start_matches('/'));
    for (accepted, ending) in [("gzip, deflate, br", ".br"), ("gzip", ".gz"), ("identity", "")] {
        let (head, body) = get(&site, script, accepted).await;
        assert!(head.starts_with("http/1.1 200"), "{accepted}: {head}");
        let encoding = head.lines().find_map(|line| line.strip_prefix("content-encoding: "));
        let expected = [(".br", "br"), (".gz", "gzip")].into_iter().find(|(of, _)| *of == ending);
        assert_eq!(encoding, expected.map(|(_, name)| name), "{accepted}");
        assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{accepted}: {head}");
        assert!(head.contains("vary: accept-encoding"), "{accepted}: {head}");
        let kept = std::fs::read(format!("{}{ending}", file.display())).unwrap();
        assert!(body == kept, "{accepted}: {} bytes, the file has {}", body.len(), kept.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_cannot_be_used_stops_the_start_and_is_named() {
    let absent = "built without";
    for (engine, url, reason) in [
        ("kafka", "broker.example:9092", if cfg!(feature = "kafka") { "kafka://" } else { absent }),
        (
            "cassandra",
            "cassandra://127.0.0.1:1/madang",
            if cfg!(feature = "cassandra") { "cannot be used" } else { absent },
        ),
        ("s3", "bucket", if cfg!(feature = "s3") { "not a URL" } else { absent }),
        ("redis", "redis://127.0.0.1:6379", "role = \"all\""),
    ] {
        let variable = format!("MADANG_ENGINES_{}", engine.to_uppercase());
        let (status, complaint) = Site::refused(&[(&variable, url)]).await;
        assert!(!status.success(), "{engine}");
        let setting = format!("engines.{engine}");
        assert!(complaint.contains(&setting) && complaint.contains(reason), "{engine}: {complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_features_to_come_are_unknown() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let mut connection = Connection::open(&site, Some(&host)).await;
    let subscribe = async |connection: &mut Connection, channel: String| {
        connection.call("subscribe", json!({ "channel": channel })).await.unwrap()
    };
    let there = subscribe(&mut connection, format!("live:{}", id(&broadcast))).await;
    assert!(there["subscribe"].is_object(), "{there}");
    for (kind, whose) in
        [("data", id(&broadcast)), ("user", host.account.as_str()), ("presence", host.account.as_str())]
    {
        let reply = subscribe(&mut connection, format!("{kind}:{whose}")).await;
        assert_eq!(reply["error"]["code"], 102, "{kind}: docs/adr/0008 says what comes when: {reply}");
    }
}
