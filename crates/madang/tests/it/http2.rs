//! A site over HTTP/2.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    encoder::Encoder,
    secure::{Certificate, Client, Http, borrowed},
    site::{Site, id, until},
};

/// A site on all addresses that speaks TLS, a client that trusts it, and a connection over HTTP/2.
async fn start(certificate: &Certificate, others: &[(&str, &str)]) -> (Site, Client, Http) {
    let settings = certificate.settings(others);
    let site = Site::start_at("0.0.0.0:0", &borrowed(&settings)).await;
    let client = Client::new(site.http, &[certificate]);
    let http = client.http2().await;
    (site, client, http)
}

async fn sign_up(http: &mut Http) -> (String, Value) {
    let body = json!({ "handle": "host", "password": "correct horse", "display_name": "Host" });
    let answer = http.post("/api/v1/accounts", None, &body).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    (cookie, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_the_page_and_its_cookies_are_known_as_over_http1() {
    let certificate = Certificate::make();
    let (site, client, mut http) = start(&certificate, &[]).await;
    assert!(http.get("/").await.body.starts_with(b"<!doctype html>"), "the web UI");
    let (cookie, _) = sign_up(&mut http).await;
    assert!(cookie.ends_with("; Secure"), "{cookie}");

    // Browsers send each cookie in a field of its own (RFC 9113 section 8.2.3).
    let session = cookie.split(';').next().unwrap();
    let own = format!("https://{}", site.http);
    let create = async |http: &mut Http, page: &str| {
        let headers = [("cookie", "other=1"), ("cookie", session), ("origin", page)];
        http.send(Method::POST, "/api/v1/broadcasts", &headers, r#"{"title":"Show"}"#).await
    };
    for http in [&mut http, &mut client.http1().await] {
        let created = create(http, &own).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(created.json()["ingest_url"], format!("rtmp://127.0.0.1:{}/live", site.rtmp.port()));
        assert_eq!(create(http, "https://elsewhere.example").await.json()["code"], "foreign_origin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_have_their_limits() {
    let certificate = Certificate::make();
    let (_site, _, mut http) = start(&certificate, &[]).await;
    let long = "x".repeat(20_000);
    assert_eq!(http.send(Method::GET, "/api/v1/site", &[("x-long", &long)], "").await.status, 431);
    // The direct route of hearts, and one with all layers.
    for path in ["/api/v1/hearts", "/api/v1/sessions"] {
        let answer = http.send(Method::POST, path, &[], &"1".repeat(70_000)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_large")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_is_asked_for_is_ended() {
    let certificate = Certificate::make();
    let (_site, client, mut asked) = start(&certificate, &[("MADANG_API_HEADER_TIMEOUT_MS", "1000")]).await;
    let silent = client.http2().await;
    assert_eq!(asked.get("/healthz").await.status, 200);
    assert!(!asked.is_closed() && !silent.is_closed());
    until("both are ended", async || (asked.is_closed() && silent.is_closed()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_reloads_of_a_playlist_wait_side_by_side_on_one_connection() {
    let certificate = Certificate::make();
    let (site, _, mut http) = start(&certificate, &[]).await;
    let (_, account) = sign_up(&mut http).await;
    let created = http.post("/api/v1/broadcasts", account["token"].as_str(), &json!({ "title": "Show" })).await;
    let broadcast = created.json();
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 120);
    let path = format!("/live/{}/media.m3u8", id(&broadcast));
    until("there is a playlist", async || (http.get(&path).await.status == 200).then_some(())).await;

    let playlist = String::from_utf8(http.get(&path).await.body.into()).unwrap();
    let first = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:")).unwrap();
    let segments = playlist.lines().filter(|line| line.starts_with("#EXTINF:")).count() as u64;
    // The segment that begins is waited for whole, and the first parts of the one behind it.
    let next = first.parse::<u64>().unwrap() + segments;
    let asked = [format!("_HLS_msn={next}")]
        .into_iter()
        .chain((0..5).map(|part| format!("_HLS_msn={}&_HLS_part={part}", next + 1)));
    let waiting: Vec<_> = asked.map(|directives| tokio::spawn(http.ask(&format!("{path}?{directives}")))).collect();
    // Requests of one connection leave in their order: when this is answered, the others have been asked for.
    assert_eq!(http.get("/healthz").await.status, 200);
    assert!(!waiting.last().unwrap().is_finished(), "it lies in the future");
    for reload in waiting {
        let reloaded = reload.await.unwrap();
        assert_eq!(reloaded.status, 200, "{reloaded:?}");
        assert!(String::from_utf8(reloaded.body.into()).unwrap().matches("#EXTINF:").count() as u64 > segments);
    }
    encoder.kill().await;
}
