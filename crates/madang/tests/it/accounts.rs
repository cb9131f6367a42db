//! Signing up, signing in, and the first administrator.

use serde_json::json;

use crate::site::{Site, refusal};

#[tokio::test]
async fn a_person_signs_up_in_and_out() {
    let site = Site::start().await;
    let mina = site.person("mina").await;
    let me = site.api.get("/api/v1/me", Some(&mina.token)).await.unwrap();
    assert_eq!(me["handle"], "mina");
    assert_eq!(me["admin"], false);

    let wrong = json!({ "handle": "mina", "password": "wrong horse" });
    assert_eq!(refusal(site.api.post("/api/v1/sessions", None, &wrong).await), (401, "wrong_credentials".into()));
    let right = json!({ "handle": "Mina", "password": "correct horse" });
    let session = site.api.post("/api/v1/sessions", None, &right).await.unwrap();
    let token = session["token"].as_str().unwrap();
    site.api.call(hyper::Method::DELETE, "/api/v1/sessions/current", Some(token), &json!(null)).await.unwrap();
    assert_eq!(refusal(site.api.get("/api/v1/me", Some(token)).await).0, 401);
    site.api.get("/api/v1/me", Some(&mina.token)).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_is_named() {
    let site = Site::start().await;
    site.person("mina").await;
    for (body, status, field) in [
        (json!({ "handle": "MINA", "password": "correct horse", "display_name": "M" }), 409, "handle"),
        (json!({ "handle": "a", "password": "correct horse", "display_name": "M" }), 422, "handle"),
        (json!({ "handle": "jun", "password": "short", "display_name": "M" }), 422, "password"),
        (json!({ "handle": "jun", "password": "correct horse", "display_name": "" }), 422, "display_name"),
    ] {
        match site.api.post("/api/v1/accounts", None, &body).await {
            Err(madang::client::CallError::Status { status: found, body: problem, .. }) => {
                let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
                assert_eq!((found, problem["field"].as_str().unwrap()), (status, field), "{body}: {problem}");
            }
            other => panic!("{body} was answered {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_one_time_link_makes_one_administrator() {
    let site = Site::start().await;
    let link =
        site.output.iter().find(|line| line.contains("/claim?token=")).expect("the start prints a one-time link");
    let token = link.split("token=").nth(1).unwrap().trim().to_owned();
    let (first, second) = (site.person("first").await, site.person("second").await);
    let body = json!({ "token": token });
    let account = site.api.post("/api/v1/admin/claim", Some(&first.token), &body).await.unwrap();
    assert_eq!(account["admin"], true);
    let (status, _) = refusal(site.api.post("/api/v1/admin/claim", Some(&second.token), &body).await);
    assert!((400..500).contains(&status));
    let site = site.kill_and_restart().await;
    assert!(!site.output.iter().any(|line| line.contains("/claim?token=")), "there is an administrator");
}

#[tokio::test]
async fn the_shell_makes_administrators_while_the_server_runs() {
    let site = Site::start().await;
    let (mina, jun) = (site.person("mina").await, site.person("jun").await);
    let (went_well, complaint) = site.command(&["admin", "grant", "nobody"]).await;
    assert!(!went_well && complaint.contains("nobody"), "{complaint}");
    let (went_well, complaint) = site.command(&["admin", "grant", "Mina"]).await;
    assert!(went_well, "{complaint}");
    let me = site.api.get("/api/v1/me", Some(&mina.token)).await.unwrap();
    assert_eq!(me["admin"], true, "at once, without signing in again");
    let words = "/api/v1/blocked-words";
    site.api.get(words, Some(&mina.token)).await.unwrap();
    assert_eq!(site.api.get("/api/v1/me", Some(&jun.token)).await.unwrap()["admin"], false);
    assert_eq!(refusal(site.api.get(words, Some(&jun.token)).await).0, 403);
    let site = site.kill_and_restart().await;
    assert_eq!(site.api.get("/api/v1/me", Some(&mina.token)).await.unwrap()["admin"], true);
}
