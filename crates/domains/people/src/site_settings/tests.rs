//! Site settings on both SQL engines.

use kernel::ids::Snowflake;
use serde_json::{Value, json};

use crate::{
    IDENTITY_BELIEVED_MS, People, Settings, Token,
    testing::{Answer, Site, process, sites},
};

const OPEN: &str = "/api/v1/admin/settings/people.registration_open";
const RATE: &str = "/api/v1/admin/settings/people.sign_up_rate";
const NOTICE: &str = "/api/v1/admin/settings/notice";
const CHANGES: &str = "/api/v1/admin/settings/changes";

async fn administrator(site: &Site, handle: &str) -> Token {
    let (_, token) = site.person(handle).await;
    site.people.grant_administrator(handle).await.unwrap();
    token
}

async fn put(site: &Site, path: &str, by: &Token, value: Value) -> Answer {
    site.send("PUT", path, Some(by), json!({ "value": value })).await
}

/// One more process of the site, which has not looked yet, and its settings.
fn another(site: &Site) -> (People, Settings) {
    let settings = Settings::default();
    (process(&site.clock, &site.database, Snowflake::new(1), settings.clone(), IDENTITY_BELIEVED_MS), settings)
}

#[tokio::test]
async fn a_value_holds_here_at_once_elsewhere_after_a_look_and_until_it_is_removed() {
    for site in sites(Settings::default()).await {
        let hana = administrator(&site, "hana").await;
        let (other, there) = another(&site);
        other.follow_site_settings().await.unwrap();
        assert!(there.registration_open.get());

        let set = put(&site, OPEN, &hana, json!(false)).await;
        assert_eq!((set.status.as_u16(), &set.body["value"], &set.body["default"]), (200, &json!(false), &json!(true)));
        assert_eq!(
            (&set.body["changed"]["version"], &set.body["changed"]["by"]["handle"]),
            (&json!(1), &json!("hana"))
        );
        let new = json!({ "handle": "duri", "password": "correct horse", "display_name": "duri" });
        let refused = site.send("POST", "/api/v1/accounts", None, new.clone()).await;
        assert_eq!(refused.problem(), (403, "registration_closed"));
        assert!(there.registration_open.get(), "nobody has told it");
        other.follow_site_settings().await.unwrap();
        assert!(!there.registration_open.get());

        assert_eq!(put(&site, RATE, &hana, json!("3/60s")).await.body["value"], "3/min");
        let (late, at_start) = another(&site);
        late.follow_site_settings().await.unwrap();
        assert_eq!(
            (at_start.registration_open.get(), at_start.sign_up_rate.get().to_string().as_str()),
            (false, "3/min")
        );

        assert_eq!(site.send("DELETE", OPEN, Some(&hana), Value::Null).await.status, 204);
        assert_eq!(site.send("POST", "/api/v1/accounts", None, new).await.status, 201, "the file holds again");
        other.follow_site_settings().await.unwrap();
        assert!(there.registration_open.get() && there.sign_up_rate == at_start.sign_up_rate);
        let all = site.send("GET", "/api/v1/admin/settings", Some(&hana), Value::Null).await.body;
        assert_eq!((&all["version"], all["items"].as_array().unwrap().len()), (&json!(3), 3));
        assert_eq!(all["items"][1]["at_least"], "1/h");
    }
}

#[tokio::test]
async fn the_log_tells_who_changed_what_and_a_value_that_is_set_already_is_no_change() {
    for site in sites(Settings::default()).await {
        let (hana, duri) = (administrator(&site, "hana").await, administrator(&site, "duri").await);
        for (by, value) in [(&hana, json!("점검 20시")), (&duri, json!("점검 21시")), (&hana, json!(" 점검 21시 "))]
        {
            assert_eq!(put(&site, NOTICE, by, value).await.status, 200);
        }
        site.clock.advance(1_000);
        for _ in 0..2 {
            assert_eq!(site.send("DELETE", NOTICE, Some(&hana), Value::Null).await.status, 204);
        }
        let first = site.send("GET", &format!("{CHANGES}?limit=2"), Some(&duri), Value::Null).await.body;
        let told = |item: &Value| (item["by"]["handle"].clone(), item["from"].clone(), item["to"].clone());
        assert_eq!(told(&first["items"][0]), (json!("hana"), json!("점검 21시"), Value::Null));
        assert_eq!(told(&first["items"][1]), (json!("duri"), json!("점검 20시"), json!("점검 21시")));
        assert_ne!(first["items"][0]["at"], first["items"][1]["at"]);
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = site.send("GET", &format!("{CHANGES}?cursor={cursor}"), Some(&duri), Value::Null).await.body;
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        assert_eq!(told(&rest["items"][0]), (json!("hana"), Value::Null, json!("점검 20시")));
        assert_eq!(rest["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn only_administrators_and_only_what_fits() {
    for site in sites(Settings::default()).await {
        let hana = administrator(&site, "hana").await;
        let (_, duri) = site.person("duri").await;
        let value = json!({ "value": false });
        for (method, path) in
            [("GET", "/api/v1/admin/settings"), ("GET", CHANGES), ("GET", OPEN), ("PUT", OPEN), ("DELETE", OPEN)]
        {
            assert_eq!(site.send(method, path, None, value.clone()).await.problem(), (401, "sign_in_required"));
            let refused = site.send(method, path, Some(&duri), value.clone()).await;
            assert_eq!(refused.problem(), (403, "not_allowed"), "{method} {path}");
        }
        for (path, value) in
            [(OPEN, json!("no")), (RATE, json!("1/24h")), (RATE, json!(3)), (NOTICE, json!("가".repeat(21)))]
        {
            let refused = put(&site, path, &hana, value).await;
            assert_eq!(
                (refused.problem(), &refused.body["field"]),
                ((422, "invalid_value"), &json!("value")),
                "{path}"
            );
            let name = path.rsplit('/').next().unwrap();
            assert!(refused.body["detail"].as_str().unwrap().contains(name), "{}", refused.body);
        }
        let unknown = put(&site, "/api/v1/admin/settings/data_dir", &hana, json!("/")).await;
        assert_eq!(unknown.problem(), (404, "no_such_setting"));
        assert!(unknown.body["detail"].as_str().unwrap().contains("people.sign_up_rate"), "it names those there are");
        assert_eq!(site.count("SELECT COUNT(*) FROM site_setting_changes").await, 0);
    }
}

#[tokio::test]
async fn of_two_that_saw_the_same_one_is_told_that_the_other_was_faster() {
    for site in sites(Settings::default()).await {
        let (hana, duri) = (administrator(&site, "hana").await, administrator(&site, "duri").await);
        let body = |value: &str| json!({ "value": value, "version": 0 });
        let (one, other) = tokio::join!(
            site.send("PUT", NOTICE, Some(&hana), body("hana")),
            site.send("PUT", NOTICE, Some(&duri), body("duri"))
        );
        let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
        assert_eq!(lost.problem(), (409, "changed_meanwhile"), "{}", site.database.engine);
        let faster = won.body["value"].as_str().unwrap();
        assert!(lost.body["detail"].as_str().unwrap().contains(&format!("@{faster}")), "{}", lost.body);
        let version = won.body["changed"]["version"].as_i64().unwrap();
        let stale = site.send("DELETE", &format!("{NOTICE}?version={}", version + 1), Some(&hana), Value::Null).await;
        assert_eq!(stale.problem(), (409, "changed_meanwhile"));
        let seen = site.send("DELETE", &format!("{NOTICE}?version={version}"), Some(&hana), Value::Null).await;
        assert_eq!(seen.status, 204);
        let gone = site.send("PUT", NOTICE, Some(&hana), json!({ "value": "late", "version": version })).await;
        assert_eq!(gone.problem(), (409, "changed_meanwhile"));
    }
}

#[tokio::test]
async fn what_another_version_has_kept_and_does_not_fit_here_leaves_the_file_in_force() {
    for site in sites(Settings::default()).await {
        let hana = administrator(&site, "hana").await;
        assert_eq!(put(&site, OPEN, &hana, json!(false)).await.status, 200);
        assert_eq!(put(&site, RATE, &hana, json!("3/min")).await.status, 200);
        let mut tx = site.database.database.write().await.unwrap();
        let spoil = "UPDATE site_settings SET value = '\"sometimes\"' WHERE name = 'people.registration_open'";
        ports::sqlx::query(spoil).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        let (other, there) = another(&site);
        other.follow_site_settings().await.unwrap();
        assert_eq!((there.registration_open.get(), there.sign_up_rate.get().to_string().as_str()), (true, "3/min"));
        let shown = site.send("GET", OPEN, Some(&hana), Value::Null).await;
        assert_eq!((&shown.body["value"], &shown.body["changed"]), (&json!(true), &Value::Null));
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_last_values_stay() {
    for site in sites(Settings::default()).await {
        let hana = administrator(&site, "hana").await;
        assert_eq!(put(&site, OPEN, &hana, json!(false)).await.status, 200);
        let (other, there) = another(&site);
        other.follow_site_settings().await.unwrap();
        site.database.database.close().await;
        assert!(other.follow_site_settings().await.is_err());
        assert!(!there.registration_open.get());
    }
}
