//! Pages of other sites: those the operator listed may use the API, no others.

use api::Settings;

use crate::server::{Server, TOKEN};

const FRIEND: &str = "https://friend.test";

async fn server() -> Server {
    Server::start(Settings { allowed_origins: vec![FRIEND.parse().unwrap()], ..Settings::default() }).await
}

#[tokio::test]
async fn a_listed_page_may_send_what_the_api_documents() {
    let server = server().await;
    for path in ["/api/v1/mine", "/api/v1/nothing"] {
        let asked = format!(
            "origin: {FRIEND}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization,content-type,idempotency-key"
        );
        let answer = server.send("OPTIONS", path, &asked, "").await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(FRIEND));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("vary"), Some("origin"));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(answer.header("access-control-allow-methods").unwrap().split(", ").any(|word| word == method));
        }
        let headers = answer.header("access-control-allow-headers");
        assert_eq!(headers, Some("authorization, content-type, idempotency-key"));
    }
    for (path, status) in [("/api/v1/mine", 204), ("/api/v1/nothing", 404), ("/api/v1/who", 405)] {
        let asked = format!("origin: {FRIEND}\r\nauthorization: Bearer {TOKEN}");
        let answer = server.send("POST", path, &asked, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(FRIEND)), "{path}");
    }
}

#[tokio::test]
async fn no_other_page_gets_a_permission() {
    let listed = server().await;
    let empty = Server::start(Settings::default()).await;
    for server in [&listed, &empty] {
        for origin in ["https://evil.test", "null", "http://friend.test", "https://friend.test.evil.test"] {
            let asked = format!("origin: {origin}\r\naccess-control-request-method: POST");
            let preflight = server.send("OPTIONS", "/api/v1/mine", &asked, "").await;
            let reading = server.send("GET", "/api/v1/who", &asked, "").await;
            assert_eq!((preflight.status, reading.status), (405, 200));
            for answer in [preflight, reading] {
                assert!(!answer.head.contains("access-control"), "{origin}: {answer:?}");
            }
        }
    }
    let alone = listed.get("/api/v1/who").await;
    assert_eq!((alone.header("vary"), alone.header("access-control-allow-origin")), (Some("origin"), None));
    let page = listed.send("GET", "/", &format!("origin: {FRIEND}"), "").await;
    assert_eq!(page.header("access-control-allow-origin"), None, "a page is no part of the API");
}
