//! Accounts on both SQL engines, through the routes.

use std::collections::HashSet;

use kernel::{AccountId, ids::Snowflake};
use serde_json::{Value, json};

use super::*;
use crate::{
    IDENTITY_BELIEVED_MS, Settings,
    sessions::Device,
    testing::{PASSWORD, new_account, process, sites, visitor},
};

fn body(handle: &str, password: &str, display_name: &str) -> Value {
    json!({ "handle": handle, "password": password, "display_name": display_name })
}

#[tokio::test]
async fn somebody_signs_up_and_is_known_by_token_cookie_and_handle() {
    for site in sites(Settings::default()).await {
        let answer = site.send("POST", "/api/v1/accounts", None, body("Hana_1", PASSWORD, "  하나 🎤 ")).await;
        assert_eq!(answer.status, 201, "{}: {:?}", site.database.engine, answer.body);
        let account = &answer.body["account"];
        assert_eq!(account["handle"], "hana_1");
        assert_eq!(account["display_name"], "하나 🎤");
        assert_eq!((&account["admin"], &account["bio"]), (&json!(false), &json!("")));
        assert_eq!(account["created_at"], "2026-09-21T14:13:20.000Z");
        let token = answer.body["token"].as_str().unwrap();
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert_eq!(cookie, format!("madang_session={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000"));
        let sent = Some((axum::http::header::COOKIE, format!("a=b; madang_session={token}")));
        let me = site.send_with("GET", "/api/v1/me", sent, Value::Null).await;
        assert_eq!(&me.body, account);
        assert_eq!(me.headers["set-cookie"], cookie, "the cookie lives as long as the session in use");

        let profile = site.send("GET", "/api/v1/accounts/HANA_1", None, Value::Null).await;
        assert_eq!(profile.body["id"], account["id"]);
        assert!(profile.body.get("admin").is_none());
        let nobody = site.send("GET", "/api/v1/accounts/nobody", None, Value::Null).await;
        assert_eq!(nobody.problem(), (404, "no_such_account"));
        assert_eq!(site.send("GET", "/api/v1/accounts/%FF", None, Value::Null).await.status, 404);
        assert_eq!(site.send("GET", "/api/v1/me", None, Value::Null).await.problem(), (401, "sign_in_required"));
        assert_eq!(site.count("SELECT COUNT(*) FROM outbox WHERE kind = 'people.account_created'").await, 1);
        assert_eq!(site.count("SELECT COUNT(*) FROM accounts WHERE password_hash LIKE '$argon2id$%'").await, 1);
    }
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let long_name = "가".repeat(41);
    let long_password = "p".repeat(129);
    let cases = [
        (body("ab", PASSWORD, "A"), "handle"),
        (body("1abc", PASSWORD, "A"), "handle"),
        (body("a-b-c", PASSWORD, "A"), "handle"),
        (body("하나하나", PASSWORD, "A"), "handle"),
        (body("abcdefghijklmnopqrstuvwxy", PASSWORD, "A"), "handle"),
        (body("abc", "seven77", "A"), "password"),
        (body("abc", &long_password, "A"), "password"),
        (body("abc", PASSWORD, "   "), "display_name"),
        (body("abc", PASSWORD, "\u{200b}\u{3164}"), "display_name"),
        (body("abc", PASSWORD, "a\nb"), "display_name"),
        (body("abc", PASSWORD, "a\u{202e}b"), "display_name"),
        (body("abc", PASSWORD, "a\0b"), "display_name"),
        (body("abc", PASSWORD, &long_name), "display_name"),
    ];
    for site in sites(Settings::default()).await {
        for (body, field) in &cases {
            let answer = site.send("POST", "/api/v1/accounts", None, body.clone()).await;
            assert_eq!(answer.status, 422, "{body}");
            assert_eq!(answer.body["field"], *field, "{body}");
            assert_eq!(answer.body["code"], format!("invalid_{field}"), "{body}");
        }
        let incomplete = site.send("POST", "/api/v1/accounts", None, json!({ "handle": "abc" })).await;
        assert_eq!(incomplete.problem(), (422, "invalid_body"));
        assert_eq!(site.count("SELECT COUNT(*) FROM accounts").await, 0);
    }
}

#[tokio::test]
async fn of_many_sign_ups_with_one_handle_one_wins() {
    for site in sites(Settings { hashing_threads: 4, ..Settings::default() }).await {
        let (visitor, device) = (visitor(), Device::default());
        let racers = ["racer", "RACER", "Racer", "rAcEr"]
            .map(|handle| site.people.accounts.sign_up(&visitor, &device, new_account(handle)));
        let [a, b, c, d] = racers;
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        let results = [a, b, c, d];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{}", site.database.engine);
        assert!(
            results.iter().flat_map(|result| result.as_ref().err()).all(|error| matches!(error, Error::HandleTaken(_)))
        );
        assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 1, "losers leave nothing behind");
        assert_eq!(site.count("SELECT COUNT(*) FROM outbox").await, 1);
        let again = site.send("POST", "/api/v1/accounts", None, body("racer", PASSWORD, "A")).await;
        assert_eq!((again.problem(), &again.body["field"]), ((409, "handle_taken"), &json!("handle")));
    }
}

/// Two processes that make the same ids: that is our own failure, and no reason to choose another handle.
#[tokio::test]
async fn an_id_that_is_taken_is_no_handle_that_is_taken() {
    for site in sites(Settings::default()).await {
        site.person("hana").await;
        let (clock, database) = (&site.clock, &site.database);
        let other = process(clock, database, Snowflake::new(0), Settings::default(), IDENTITY_BELIEVED_MS);
        let refused = other.accounts.sign_up(&visitor(), &Device::default(), new_account("duri")).await.unwrap_err();
        assert!(matches!(refused, Error::Failure(_)), "{}: {refused:?}", site.database.engine);
        assert_eq!(site.count("SELECT COUNT(*) FROM accounts").await, 1);
    }
}

#[tokio::test]
async fn sign_ups_from_one_address_are_limited_and_registration_can_be_closed() {
    let settings = Settings { sign_up_rate: "2/min".parse().unwrap(), ..Settings::default() };
    for site in sites(settings).await {
        for (handle, status) in [("one", 201), ("two", 201), ("x", 422), ("three", 429)] {
            let answer = site.send("POST", "/api/v1/accounts", None, body(handle, PASSWORD, "A")).await;
            assert_eq!(answer.status, status, "{handle}");
            assert_eq!(answer.headers.contains_key("retry-after"), status == 429);
        }
        site.clock.advance(30_000);
        assert_eq!(site.send("POST", "/api/v1/accounts", None, body("three", PASSWORD, "A")).await.status, 201);
    }
    for site in sites(Settings { registration_open: false.into(), ..Settings::default() }).await {
        let answer = site.send("POST", "/api/v1/accounts", None, body("abc", PASSWORD, "A")).await;
        assert_eq!(answer.problem(), (403, "registration_closed"));
    }
}

#[tokio::test]
async fn a_profile_changes_for_everyone_at_once() {
    for site in sites(Settings::default()).await {
        let (account, token) = site.person("hana").await;
        assert_eq!(site.people.identify(token.reveal()).await.unwrap().unwrap().display_name, "hana 님");
        let changed = site.send("PATCH", "/api/v1/me", Some(&token), json!({ "bio": "노래해요\n매일" })).await;
        assert_eq!(
            (&changed.body["bio"], &changed.body["display_name"]),
            (&json!("노래해요\n매일"), &json!("hana 님"))
        );
        let changed = site.send("PATCH", "/api/v1/me", Some(&token), json!({ "display_name": "하나" })).await;
        assert_eq!((&changed.body["bio"], &changed.body["display_name"]), (&json!("노래해요\n매일"), &json!("하나")));
        assert_eq!(site.people.identify(token.reveal()).await.unwrap().unwrap().display_name, "하나");
        let long = json!({ "bio": "가".repeat(501) });
        let refused = site.send("PATCH", "/api/v1/me", Some(&token), long).await;
        assert_eq!((refused.problem(), &refused.body["field"]), ((422, "invalid_bio"), &json!("bio")));

        let (other, _) = site.person("duri").await;
        let asked = [account.id, other.id, AccountId::from_raw(42)];
        let names = site.people.names(&asked).await.unwrap();
        assert_eq!(names.keys().copied().collect::<HashSet<_>>(), HashSet::from([account.id, other.id]));
        assert_eq!(names[&account.id].display_name, "하나");
        let many: Vec<AccountId> = (1..1_200).map(AccountId::from_raw).chain([other.id]).collect();
        assert_eq!(site.people.names(&many).await.unwrap()[&other.id].handle, "duri");
        assert!(site.people.names(&[]).await.unwrap().is_empty());
    }
}
