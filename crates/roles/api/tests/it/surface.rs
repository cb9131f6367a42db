//! What can be asked for: the shell's own routes, errors for the rest, headers on all of it.

use std::io::Read;

use api::Settings;
use serde_json::json;

use crate::server::{Server, TOKEN};

#[tokio::test]
async fn everything_else_is_a_problem() {
    let server = Server::start(Settings::default()).await;
    for path in ["/api/v1/nothing", "/api/", "/live/1/index.m3u8", "/connection/other", "/no-such-file.js"] {
        assert_eq!(server.get(path).await.problem(), (404, "not_found".into()), "{path}");
    }
    for path in ["/api/v1/who", "/lean", "/healthz"] {
        assert_eq!(server.send("DELETE", path, "", "").await.problem(), (405, "method_not_allowed".into()), "{path}");
    }
    assert_eq!(server.send("DELETE", "/api/v1/who", "", "").await.header("allow"), Some("GET,HEAD"));
    for (body, expected) in [("{", (400, "invalid_json")), ("", (400, "invalid_json"))] {
        let answer = server.send("POST", "/api/v1/echo", "", body).await;
        assert_eq!(answer.problem(), (expected.0, expected.1.into()));
    }
}

#[tokio::test]
async fn health_readiness_metrics_and_site() {
    let server = Server::start(Settings::default()).await;
    assert_eq!(server.get("/healthz").await.json(), json!({ "status": "ok" }));
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, 503);
    let checks = json!([
        { "name": "database", "ok": true },
        { "name": "blobs", "ok": false, "reason": "the disk is full" },
    ]);
    assert_eq!(ready.json(), json!({ "status": "not_ready", "checks": checks }));
    let metrics = server.get("/metrics").await;
    assert_eq!((metrics.status, metrics.body.as_str()), (200, "madang_things 1\n"));
    let site = json!({
        "name": "마당", "locale_default": "ko", "registration_open": true, "notice": "점검", "version": "1.2.3",
    });
    assert_eq!(server.get("/api/v1/site").await.json(), site);
}

#[tokio::test]
async fn the_openapi_document_is_whole() {
    let server = Server::start(Settings::default()).await;
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Madang");
    assert_eq!(document["servers"][0]["url"], "/");
    assert_eq!(document["paths"]["/api/v1/site"]["get"]["operationId"], "get_site");
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(
        (&schemes["bearer"]["scheme"], &schemes["cookie"]["name"]),
        (&json!("bearer"), &json!("madang_session"))
    );
    assert!(document["components"]["schemas"]["Problem"]["properties"]["code"].is_object());
}

#[tokio::test]
async fn answers_carry_their_headers() {
    let server = Server::start(Settings::default()).await;
    for path in ["/api/v1/who", "/api/v1/nothing", "/", "/healthz"] {
        let answer = server.get(path).await;
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert!(answer.header("referrer-policy").is_some());
    }
    let policy = server.get("/").await.header("content-security-policy").unwrap().to_owned();
    let with_cdn: Vec<_> =
        policy.split("; ").filter(|rule| rule.ends_with(" https://store.test https://cdn.test")).collect();
    let names: Vec<_> = with_cdn.iter().filter_map(|rule| rule.split(' ').next()).collect();
    assert_eq!(names, ["img-src", "media-src", "connect-src"], "{policy}");
    let who = server.get("/api/v1/who").await;
    assert_eq!(who.header("cache-control"), Some("no-store"));
    let made = who.header("x-request-id").unwrap().to_owned();
    assert_ne!(server.get("/api/v1/who").await.header("x-request-id"), Some(made.as_str()));
    let brought = server.send("GET", "/api/v1/who", "x-request-id: from-a.proxy_1", "").await;
    assert_eq!(brought.header("x-request-id"), Some("from-a.proxy_1"));
    let forged = server.send("GET", "/api/v1/who", "x-request-id: two words", "").await;
    assert_ne!(forged.header("x-request-id"), Some("two words"));
    let lean = server.send("POST", "/lean", &format!("authorization: Bearer {TOKEN}"), "").await;
    assert_eq!((lean.header("x-request-id"), lean.header("content-security-policy")), (None, None));
}

#[tokio::test]
async fn long_json_goes_out_compressed_to_those_who_take_it() {
    let server = Server::start(Settings::default()).await;
    for path in ["/api/v1/long", "/openapi.json"] {
        let plain = server.get(path).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        assert_eq!(plain.header("vary"), Some("accept-encoding"));
        let small = server.send("GET", path, "accept-encoding: gzip, br", "").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert!(small.bytes.len() < plain.bytes.len() / 2);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&small.bytes[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.body);
    }
    let short = server.send("GET", "/api/v1/who", "accept-encoding: gzip", "").await;
    assert_eq!((short.header("content-encoding"), short.header("vary")), (None, None));
    let tag = server.get("/openapi.json").await.header("etag").unwrap().to_owned();
    assert_eq!(server.send("GET", "/openapi.json", &format!("if-none-match: {tag}"), "").await.status, 304);
}
