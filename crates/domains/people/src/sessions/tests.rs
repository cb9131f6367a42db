//! Sessions on both SQL engines.

use std::net::IpAddr;

use kernel::{Caller, Snowflake};
use ports::work::Schedule;
use serde_json::{Value, json};

use super::*;
use crate::{
    Settings,
    testing::{DAY_MS, PASSWORD, process, sites, visitor},
};

fn credentials(handle: &str, password: &str) -> SignIn {
    SignIn { handle: handle.into(), password: password.into() }
}

#[tokio::test]
async fn signing_in_and_out() {
    for site in sites(Settings::default()).await {
        let (account, first) = site.person("hana").await;
        let body = json!({ "handle": "HANA", "password": PASSWORD });
        let answer = site.send("POST", "/api/v1/sessions", None, body).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.body["account"]["id"], account.id.to_string());
        let token = answer.body["token"].as_str().unwrap().to_owned();
        assert_eq!(token.len(), 64);
        assert!(answer.headers["set-cookie"].to_str().unwrap().contains(&token));
        let identity = site.people.identify(&token).await.unwrap().unwrap();
        assert_eq!((identity.account, identity.handle.as_str(), identity.admin), (account.id, "hana", false));

        let bearer = Some((axum::http::header::AUTHORIZATION, format!("Bearer {token}")));
        let answer = site.send_with("DELETE", "/api/v1/sessions/current", bearer.clone(), Value::Null).await;
        assert_eq!(answer.status, 204);
        assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("madang_session=; "));
        assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(site.people.identify(&token).await.unwrap(), None, "at once, whatever was cached");
        assert!(site.people.identify(first.reveal()).await.unwrap().is_some(), "the other session goes on");
        let again = site.send_with("DELETE", "/api/v1/sessions/current", bearer, Value::Null).await;
        assert_eq!(again.status, 204);
    }
}

#[tokio::test]
async fn wrong_credentials_do_not_say_what_is_wrong() {
    for site in sites(Settings::default()).await {
        site.person("hana").await;
        let mut answers = Vec::new();
        for (handle, password) in [("hana", "wrong horse"), ("nobody", PASSWORD), ("not a handle!", PASSWORD), ("", "")]
        {
            let body = json!({ "handle": handle, "password": password });
            let answer = site.send("POST", "/api/v1/sessions", None, body).await;
            assert_eq!(answer.problem(), (401, "wrong_credentials"), "{handle}");
            answers.push(answer.body.to_string());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        for token in ["", "x", &"0".repeat(64), &"g".repeat(64), "\0"] {
            assert_eq!(site.people.identify(token).await.unwrap(), None, "{token:?}");
        }
    }
}

#[tokio::test]
async fn attempts_are_limited_by_address_and_by_handle() {
    let settings = Settings {
        sign_in_rate: "6/min".parse().unwrap(),
        sign_in_rate_per_handle: "3/min".parse().unwrap(),
        ..Settings::default()
    };
    for site in sites(settings).await {
        site.person("hana").await;
        let sessions = &site.people.sessions;
        let from = |address: &str| Caller::anonymous(address.parse::<IpAddr>().unwrap());
        let guess = async |address: String| {
            sessions.sign_in(&from(&address), &Device::default(), credentials("hana", "wrong horse")).await
        };
        for _ in 0..3 {
            assert!(matches!(guess(crate::testing::address().to_string()).await, Err(Error::WrongCredentials)));
        }
        let body = json!({ "handle": "Hana", "password": PASSWORD });
        let refused = site.send("POST", "/api/v1/sessions", None, body.clone()).await;
        assert_eq!(refused.problem(), (429, "sign_in_rate"));
        assert_eq!(refused.headers["retry-after"], "20");
        sessions.sign_in(&from("198.51.100.4"), &Device::default(), credentials("hana", PASSWORD)).await.unwrap();
        for stranger in 0..30 {
            let wrong = guess(format!("198.51.100.{}", 100 + stranger)).await;
            assert!(matches!(wrong, Err(Error::WrongCredentials)), "{stranger}");
        }
        let refused = guess("198.51.100.200".into()).await;
        assert!(matches!(refused, Err(Error::TooOften(_))), "ten times as many from all networks together");
        site.clock.advance(60_000);
        for _ in 0..3 {
            sessions.sign_in(&from("198.51.100.4"), &Device::default(), credentials("hana", PASSWORD)).await.unwrap();
        }
        for guess in 0..3 {
            let caller = from(&format!("2001:db8::{guess}"));
            for handle in [format!("guess{guess}a"), format!("guess{guess}b")] {
                let wrong = sessions.sign_in(&caller, &Device::default(), credentials(&handle, PASSWORD)).await;
                assert!(matches!(wrong, Err(Error::WrongCredentials)), "{handle}");
            }
        }
        let same_network =
            sessions.sign_in(&from("2001:db8::ffff"), &Device::default(), credentials("hana", PASSWORD)).await;
        assert!(matches!(same_network, Err(Error::TooOften(_))), "a whole /64 is one customer");
    }
}

#[tokio::test]
async fn a_session_slides_while_it_is_used_and_ends_when_it_is_not() {
    for site in sites(Settings::default()).await {
        let (_, token) = site.person("hana").await;
        for _ in 0..4 {
            site.clock.advance(29 * DAY_MS);
            assert!(site.people.identify(token.reveal()).await.unwrap().is_some());
        }
        let touched = site.count("SELECT used_at_ms FROM sessions").await;
        site.clock.advance(DAY_MS / 2);
        assert!(site.people.identify(token.reveal()).await.unwrap().is_some());
        assert_eq!(site.count("SELECT used_at_ms FROM sessions").await, touched, "written down at most daily");
        let job = ExpiredSessions::new(site.people.sessions.clone());
        job.run().await.unwrap();
        assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 1);
        site.clock.advance(30 * DAY_MS);
        assert_eq!(site.people.identify(token.reveal()).await.unwrap(), None);
        job.run().await.unwrap();
        assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 0);
    }
}

#[tokio::test]
async fn what_another_process_ended_is_believed_for_as_long_as_was_said() {
    for site in sites(Settings::default()).await {
        let (_, token) = site.person("hana").await;
        let other = process(&site.clock, &site.database, Snowflake::new(1), Settings::default(), 1_000);
        let known = async || other.identify(token.reveal()).await.unwrap().is_some();
        assert!(known().await);
        site.people.sessions.sign_out(token.reveal()).await.unwrap();
        site.clock.advance(999);
        assert!(known().await, "looked up a moment ago");
        site.clock.advance(1);
        assert!(!known().await, "{}", site.database.engine);
    }
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    for site in sites(Settings::default()).await {
        let (_, here) = site.person("hana").await;
        let (_, elsewhere) =
            site.people.sessions.sign_in(&visitor(), &Device::default(), credentials("hana", PASSWORD)).await.unwrap();
        let (_, strangers) = site.person("duri").await;
        for token in [&here, &elsewhere, &strangers] {
            assert!(site.people.identify(token.reveal()).await.unwrap().is_some());
        }
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        let path = "/api/v1/me/password";
        let wrong = site.send("POST", path, Some(&here), change("wrong horse", "battery staple")).await;
        assert_eq!((wrong.problem(), &wrong.body["field"]), ((403, "wrong_password"), &json!("current_password")));
        let short = site.send("POST", path, Some(&here), change(PASSWORD, "short")).await;
        assert_eq!((short.problem(), &short.body["field"]), ((422, "invalid_password"), &json!("new_password")));
        assert!(site.people.identify(elsewhere.reveal()).await.unwrap().is_some());

        assert_eq!(site.send("POST", path, Some(&here), change(PASSWORD, "battery staple")).await.status, 204);
        assert!(site.people.identify(here.reveal()).await.unwrap().is_some());
        assert_eq!(site.people.identify(elsewhere.reveal()).await.unwrap(), None);
        assert!(site.people.identify(strangers.reveal()).await.unwrap().is_some());
        let old = site.people.sessions.sign_in(&visitor(), &Device::default(), credentials("hana", PASSWORD)).await;
        assert!(matches!(old, Err(Error::WrongCredentials)));
        site.people
            .sessions
            .sign_in(&visitor(), &Device::default(), credentials("hana", "battery staple"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn of_two_password_changes_at_once_one_wins_and_no_old_session_survives() {
    for site in sites(Settings { hashing_threads: 4, ..Settings::default() }).await {
        let (_, one) = site.person("hana").await;
        let sessions = &site.people.sessions;
        let (_, two) = sessions.sign_in(&visitor(), &Device::default(), credentials("hana", PASSWORD)).await.unwrap();
        let first = site.people.identify(one.reveal()).await.unwrap().unwrap();
        let second = site.people.identify(two.reveal()).await.unwrap().unwrap();
        let to = |new: &str| NewPassword { current_password: PASSWORD.into(), new_password: new.into() };
        let (visitor, device) = (visitor(), Device::default());
        let (a, b, c) = tokio::join!(
            sessions.change_password(&first, to("first new one")),
            sessions.change_password(&second, to("second new one")),
            sessions.sign_in(&visitor, &device, credentials("hana", PASSWORD)),
        );
        assert!(a.is_ok() != b.is_ok(), "{}: {a:?} {b:?}", site.database.engine);
        let sneaked_in = c.ok().map(|(_, token)| token);
        for token in sneaked_in.iter() {
            assert_eq!(site.people.identify(token.reveal()).await.unwrap(), None);
        }
        assert_eq!(site.count("SELECT COUNT(*) FROM sessions").await, 1);
    }
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_sessions() {
    let settings = Settings { sessions_per_account: 2, ..Settings::default() };
    for site in sites(settings).await {
        let (_, first) = site.person("hana").await;
        let mut tokens = vec![first];
        for _ in 0..2 {
            site.clock.advance(6_000);
            tokens.push(
                site.people
                    .sessions
                    .sign_in(&visitor(), &Device::default(), credentials("hana", PASSWORD))
                    .await
                    .unwrap()
                    .1,
            );
        }
        let mut known = Vec::new();
        for token in &tokens {
            known.push(site.people.identify(token.reveal()).await.unwrap().is_some());
        }
        assert_eq!(known, [false, true, true]);
    }
}

#[tokio::test]
async fn ends_of_sessions_are_told_of_for_a_while_whoever_ended_them() {
    for site in sites(Settings::default()).await {
        let (account, token) = site.person("hana").await;
        let sessions = &site.people.sessions;
        assert!(sessions.ended_lately().await.unwrap().is_empty(), "to begin is not to end");
        let phone = Device::new("  a phone\n");
        let (_, other) = sessions.sign_in(&visitor(), &phone, credentials("hana", PASSWORD)).await.unwrap();
        let open = sessions.of_account(account.id).await.unwrap();
        assert_eq!(open.iter().map(|one| one.device.as_str()).collect::<Vec<_>>(), ["a phone", ""]);
        let first = site.people.identify(token.reveal()).await.unwrap().unwrap();
        assert!(!sessions.end(kernel::AccountId::from_raw(7), first.session).await.unwrap(), "it is another's");

        assert!(sessions.end(account.id, first.session).await.unwrap());
        assert_eq!(site.people.identify(token.reveal()).await.unwrap(), None, "at once");
        assert_eq!(sessions.ended_lately().await.unwrap(), [account.id]);
        sessions.forget_ends().await.unwrap();
        assert_eq!(sessions.ended_lately().await.unwrap(), [account.id], "not yet");
        assert!(site.people.identify(other.reveal()).await.unwrap().is_some());
        assert!(sessions.end_all(account.id).await.unwrap() && !sessions.end_all(account.id).await.unwrap());
        assert_eq!(site.people.identify(other.reveal()).await.unwrap(), None);
        assert_eq!(sessions.ended_lately().await.unwrap(), [account.id], "once for all of them");
    }
}
