//! What documented routes get: the caller, limits, protection from foreign pages.

use api::Settings;
use serde_json::json;

use crate::server::{Server, TOKEN};

#[tokio::test]
async fn the_caller_is_found_by_token_or_cookie() {
    let server = Server::start(Settings::default()).await;
    let cases = [
        (format!("authorization: Bearer {TOKEN}"), json!("7")),
        (format!("cookie: a=b; madang_session={TOKEN}"), json!("7")),
        ("authorization: Bearer unknown".into(), json!(null)),
        ("cookie: madang_session=old".into(), json!(null)),
        (String::new(), json!(null)),
    ];
    for (headers, account) in cases {
        let answer = server.send("GET", "/api/v1/who", &headers, "").await;
        assert_eq!(answer.json(), json!({ "account": account, "address": "127.0.0.1", "https": false }), "{headers}");
    }
    let answer = server.send("POST", "/api/v1/mine", "authorization: Bearer unknown", "").await;
    assert_eq!(answer.problem(), (401, "sign_in_required".into()));
    let answer = server.send("GET", "/api/v1/who", "authorization: Bearer broken", "").await;
    assert_eq!(answer.problem(), (503, "sessions_unavailable".into()));
    assert!(!answer.body.contains("database"), "the cause is logged, not shown");
}

#[tokio::test]
async fn a_proxy_is_believed_only_when_it_is_trusted() {
    let forwarded = "x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https";
    let alone = Server::start(Settings::default()).await;
    assert_eq!(alone.send("GET", "/api/v1/who", forwarded, "").await.json()["address"], "127.0.0.1");
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let behind = Server::start(Settings { trusted_proxies, ..Settings::default() }).await;
    let seen = behind.send("GET", "/api/v1/who", forwarded, "").await.json();
    assert_eq!((&seen["address"], &seen["https"]), (&json!("203.0.113.9"), &json!(true)));
    for path in ["/lean", "/direct"] {
        assert_eq!(behind.send("POST", path, forwarded, "abc").await.body, "203.0.113.9 3");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookie() {
    let server = Server::start(Settings::default()).await;
    let cookie = format!("cookie: madang_session={TOKEN}");
    let cases = [
        (format!("{cookie}\r\norigin: http://madang.test"), 204),
        (format!("{cookie}\r\norigin: https://evil.test\r\nsec-fetch-site: cross-site"), 403),
        (format!("{cookie}\r\norigin: https://evil.test"), 403),
        (format!("{cookie}\r\norigin: null"), 403),
        (cookie.clone(), 204),
        (format!("authorization: Bearer {TOKEN}\r\n{cookie}\r\norigin: https://evil.test"), 204),
        (format!("authorization: Basic {TOKEN}\r\n{cookie}\r\norigin: https://evil.test"), 403),
        ("origin: https://evil.test".into(), 403),
    ];
    for (headers, status) in cases {
        assert_eq!(server.send("POST", "/api/v1/mine", &headers, "").await.status, status, "{headers}");
    }
    let reading = server.send("GET", "/api/v1/who", &format!("{cookie}\r\norigin: https://evil.test"), "").await;
    assert_eq!(reading.status, 200);
    assert_eq!(reading.header("access-control-allow-origin"), None, "the page cannot see it");
}

#[tokio::test]
async fn requests_of_one_address_are_limited_but_lean_ones_are_not() {
    let server = Server::start(Settings { request_rate: "3/min".parse().unwrap(), ..Settings::default() }).await;
    for _ in 0..3 {
        assert_eq!(server.get("/api/v1/who").await.status, 200);
    }
    let refused = server.get("/api/v1/who").await;
    assert_eq!(refused.problem(), (429, "request_rate".into()));
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert_eq!(server.send("POST", "/lean", "", "").await.status, 200);
    assert_eq!(server.get("/healthz").await.status, 200);
    server.clock.advance(20_000);
    assert_eq!(server.get("/api/v1/who").await.status, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    let server = Server::start(Settings { request_timeout_ms: 100, ..Settings::default() }).await;
    let answer = server.get("/api/v1/slow").await;
    assert_eq!(answer.problem(), (503, "request_timeout".into()));
    assert!(answer.header("retry-after").is_some());
}
