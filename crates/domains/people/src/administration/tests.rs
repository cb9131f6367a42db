//! The first administrator on both SQL engines.

use serde_json::{Value, json};

use super::*;
use crate::{Settings, testing::sites};

#[tokio::test]
async fn the_link_makes_its_visitor_administrator_once() {
    for site in sites(Settings::default()).await {
        let (account, hana) = site.person("hana").await;
        let (_, duri) = site.person("duri").await;
        assert!(!site.people.identify(hana.reveal()).await.unwrap().unwrap().admin);
        let stale = site.people.first_administrator_token().await.unwrap().unwrap();
        let token = site.people.first_administrator_token().await.unwrap().unwrap();
        let claim = |token: &str| json!({ "token": token });
        let path = "/api/v1/admin/claim";
        assert_eq!(site.send("POST", path, None, claim(token.reveal())).await.problem(), (401, "sign_in_required"));
        for wrong in [stale.reveal(), "", &"0".repeat(64)] {
            assert_eq!(site.send("POST", path, Some(&hana), claim(wrong)).await.problem(), (403, "link_over"));
        }
        let claimed = site.send("POST", path, Some(&hana), claim(token.reveal())).await;
        assert_eq!((claimed.status.as_u16(), &claimed.body["admin"]), (200, &json!(true)));
        assert_eq!(claimed.body["id"], account.id.to_string());
        assert!(site.people.identify(hana.reveal()).await.unwrap().unwrap().admin, "at once, whatever was cached");
        assert_eq!(site.send("POST", path, Some(&duri), claim(token.reveal())).await.problem(), (403, "link_over"));
        assert_eq!(site.people.first_administrator_token().await.unwrap(), None);
        let me = site.send("GET", "/api/v1/me", Some(&duri), Value::Null).await;
        assert_eq!(me.body["admin"], false);
    }
}

#[tokio::test]
async fn of_two_claims_at_once_one_wins() {
    for site in sites(Settings::default()).await {
        let (hana, _) = site.person("hana").await;
        let (duri, _) = site.person("duri").await;
        let token = site.people.first_administrator_token().await.unwrap().unwrap();
        let administration = &site.people.administration;
        let (a, b) =
            tokio::join!(administration.claim(hana.id, token.reveal()), administration.claim(duri.id, token.reveal()));
        assert!(a.is_ok() != b.is_ok(), "{}: {a:?} {b:?}", site.database.engine);
        assert_eq!(site.count("SELECT COUNT(*) FROM accounts WHERE admin = 1").await, 1);
    }
}

#[tokio::test]
async fn the_shell_grants_and_ends_the_link() {
    for site in sites(Settings::default()).await {
        let (account, session) = site.person("hana").await;
        let (_, duri) = site.person("duri").await;
        let token = site.people.first_administrator_token().await.unwrap().unwrap();
        assert!(matches!(site.people.grant_administrator("nobody").await, Err(Error::Unknown(_))));
        let granted = site.people.grant_administrator("HANA").await.unwrap();
        assert!(granted.admin && granted.id == account.id);
        assert!(site.people.identify(session.reveal()).await.unwrap().unwrap().admin);
        let late = site.send("POST", "/api/v1/admin/claim", Some(&duri), json!({ "token": token.reveal() })).await;
        assert_eq!(late.problem(), (403, "link_over"));
        assert_eq!(site.people.first_administrator_token().await.unwrap(), None);
        assert!(site.people.grant_administrator("duri").await.unwrap().admin, "there can be several");
    }
}
