//! The routes of broadcasts.

use kernel::Clock;
use serde_json::{Value, json};

use crate::{
    needs::{StreamNow, Take, Total, ViewerCounts},
    playbacks::{Admits, PlaybackTokens},
    settings::Settings,
    testing::{Answer, JUNO, MINA, Site, sites, sites_with},
};

const LIST: &str = "/api/v1/broadcasts";

async fn create(site: &Site, title: &str) -> Answer {
    let answer = site.send("POST", LIST, Some(MINA), json!({"title": title})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

async fn ids(site: &Site, query: &str, account: Option<kernel::AccountId>) -> Vec<String> {
    let page = site.send("GET", &format!("{LIST}{query}"), account, Value::Null).await;
    let items = page.body["items"].as_array().unwrap_or_else(|| panic!("{query}: {page:?}"));
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_broadcast_is_answered_whole_and_its_key_only_once() {
    for site in sites().await {
        let refused = site.send("POST", LIST, None, json!({"title": "no"})).await;
        assert_eq!(refused.problem(), (401, "sign_in_required"));
        let made = create(&site, " 첫 방송 ").await;
        let id = made.text("id").to_owned();
        assert_eq!(made.text("title"), "첫 방송");
        assert_eq!((made.text("state"), made.text("stream")), ("ready", "absent"));
        assert_eq!(made.body["auto_start"], json!(true));
        assert_eq!(made.body["channel"]["handle"], json!("mina"));
        assert_eq!(made.text("playback_url"), format!("/live/{id}/index.m3u8"));
        assert_eq!(made.text("room"), format!("chat:{id}"));
        assert_eq!(made.text("ingest_url"), "rtmp://127.0.0.1:1935/live");
        assert!(made.text("stream_key").starts_with("bk_"));
        assert_eq!(made.text("created_at"), "2026-09-21T14:13:20.000Z");
        assert_eq!(made.body.get("started_at"), None);

        let seen = site.send("GET", &format!("{LIST}/{id}"), Some(MINA), Value::Null).await;
        assert_eq!(seen.body.get("stream_key"), None);
        assert_eq!(seen.text("id"), id);
        assert_eq!(site.send("GET", &format!("{LIST}/77"), None, Value::Null).await.problem(), (404, "not_found"));
        assert_eq!(site.send("GET", &format!("{LIST}/x"), None, Value::Null).await.problem(), (404, "not_found"));

        let scheduled = json!({"title": "later", "auto_start": false, "scheduled_at": "2026-09-22T12:00:00+09:00"});
        let later = site.send("POST", LIST, Some(MINA), scheduled).await;
        assert_eq!((later.text("state"), later.text("scheduled_at")), ("created", "2026-09-22T03:00:00.000Z"));
        for (wrong, code) in [
            (json!({"title": ""}), "invalid_title"),
            (json!({"title": "x".repeat(121)}), "invalid_title"),
            (json!({"title": "x", "scheduled_at": "2029-01-01T00:00:00Z"}), "invalid_schedule"),
            (json!({"title": "x", "scheduled_at": "tomorrow"}), "invalid_body"),
        ] {
            assert_eq!(site.send("POST", LIST, Some(MINA), wrong.clone()).await.problem(), (422, code), "{wrong}");
        }
    }
}

#[tokio::test]
async fn the_host_leads_a_show_through_its_life() {
    for site in sites().await {
        let id = create(&site, "show").await.text("id").to_owned();
        let path = |command: &str| format!("{LIST}/{id}/{command}");
        let quiet = site.send("PATCH", &format!("{LIST}/{id}"), Some(MINA), json!({"auto_start": false})).await;
        assert_eq!(quiet.body["auto_start"], json!(false));
        let early = site.send("POST", &path("resume"), Some(MINA), Value::Null).await;
        assert_eq!(early.problem(), (409, "wrong_state"));
        assert_eq!(site.send("POST", &path("start"), Some(JUNO), Value::Null).await.problem(), (403, "not_host"));
        for (command, state) in [("start", "live"), ("start", "live"), ("pause", "paused"), ("resume", "live")] {
            assert_eq!(site.send("POST", &path(command), Some(MINA), Value::Null).await.text("state"), state);
        }
        let change = json!({"title": "a better title"});
        let renamed = site.send("PATCH", &format!("{LIST}/{id}"), Some(MINA), change).await;
        assert_eq!(renamed.text("title"), "a better title");
        let late = site.send("PATCH", &format!("{LIST}/{id}"), Some(MINA), json!({"auto_start": true})).await;
        assert_eq!(late.problem(), (409, "wrong_state"));
        let running = site.send("DELETE", &format!("{LIST}/{id}"), Some(MINA), Value::Null).await;
        assert_eq!(running.problem(), (409, "wrong_state"));
        let key = site.send("POST", &path("stream_key"), Some(MINA), Value::Null).await;
        assert!(key.text("stream_key").starts_with("bk_"));

        let raw = id.parse().unwrap();
        site.broadcasts.begin_epoch(raw).await.unwrap();
        site.media.blobs.replays.lock().unwrap().insert(raw);
        assert_eq!(site.send("POST", &path("end"), Some(MINA), Value::Null).await.text("state"), "ended");
        assert_eq!(site.send("POST", &path("start"), Some(MINA), Value::Null).await.problem(), (409, "wrong_state"));
        assert_eq!(
            site.send("POST", &path("stream_key"), Some(MINA), Value::Null).await.problem(),
            (409, "wrong_state")
        );
        assert_eq!(ids(&site, "?state=ended", None).await, [id.as_str()]);
        let delete = site.send("DELETE", &format!("{LIST}/{id}"), Some(JUNO), Value::Null).await;
        assert_eq!(delete.problem(), (403, "not_host"));
        assert_eq!(site.send("DELETE", &format!("{LIST}/{id}"), Some(MINA), Value::Null).await.status, 204);
        assert!(!site.media.blobs.replays.lock().unwrap().contains(&raw));
        assert!(ids(&site, "?state=ended", None).await.is_empty());
        assert_eq!(ids(&site, "?state=ended", Some(MINA)).await, [id.as_str()], "its numbers stay for its host");
    }
}

#[tokio::test]
async fn lists_show_to_each_what_they_may_see_newest_first() {
    for site in sites().await {
        let mut made = Vec::new();
        for title in ["one", "two", "three", "four"] {
            made.push(create(&site, title).await.text("id").to_owned());
        }
        let [live, paused, ready, ended] = <[String; 4]>::try_from(made).unwrap();
        for (id, command) in [(&live, "start"), (&paused, "start"), (&paused, "pause"), (&ended, "end")] {
            site.send("POST", &format!("{LIST}/{id}/{command}"), Some(MINA), Value::Null).await;
        }
        let on_air = [paused.clone(), live.clone()];
        for visitor in [None, Some(JUNO), Some(MINA)] {
            assert_eq!(ids(&site, "?state=live", visitor).await, on_air);
            assert_eq!(ids(&site, "?state=paused", visitor).await, [paused.as_str()]);
        }
        assert_eq!(ids(&site, "", None).await, on_air);
        assert_eq!(ids(&site, "?channel=mina", Some(JUNO)).await, on_air);
        assert_eq!(ids(&site, "?state=ready", Some(JUNO)).await, [""; 0]);
        assert_eq!(ids(&site, "?state=ready", Some(MINA)).await, [ready.as_str()]);
        assert_eq!(ids(&site, "?channel=mina", Some(MINA)).await, [ended.clone(), ready, paused.clone(), live.clone()]);
        assert_eq!(ids(&site, "?channel=juno", None).await, [""; 0]);
        assert_eq!(ids(&site, "?channel=nobody", None).await, [""; 0]);
        assert_eq!(ids(&site, "?state=ended", None).await, [""; 0], "without a replay only its host sees it");
        assert_eq!(ids(&site, "?state=ended", Some(MINA)).await, [ended.as_str()]);

        let first = site.send("GET", &format!("{LIST}?state=live&limit=1"), None, Value::Null).await;
        assert_eq!(first.body["items"][0]["id"], json!(paused));
        let cursor = first.text("next_cursor").to_owned();
        let second = site.send("GET", &format!("{LIST}?state=live&limit=1&cursor={cursor}"), None, Value::Null).await;
        assert_eq!((&second.body["items"][0]["id"], &second.body["next_cursor"]), (&json!(live), &Value::Null));
        for (query, status, code) in [
            ("?state=over", 422, "invalid_state"),
            ("?limit=0", 422, "invalid_limit"),
            ("?limit=x", 400, "invalid_query"),
            ("?cursor=x", 422, "invalid_cursor"),
        ] {
            let answer = site.send("GET", &format!("{LIST}{query}"), None, Value::Null).await;
            assert_eq!(answer.problem(), (status, code), "{query}");
        }
    }
}

#[tokio::test]
async fn health_puts_stream_and_players_together_for_the_host() {
    for site in sites().await {
        let id = site.live().await;
        let path = format!("{LIST}/{id}/health");
        *site.crowd.running.lock().unwrap() =
            Total { viewers: ViewerCounts { concurrent: 3, unique: 4, peak: 5 }, hearts: 70 };
        assert_eq!(site.send("GET", &path, Some(JUNO), Value::Null).await.problem(), (403, "not_host"));
        let unknown = site.send("GET", &path, Some(MINA), Value::Null).await;
        assert_eq!((&unknown.body["connected"], &unknown.body["publish_epoch"]), (&json!(false), &json!(1)));
        let stream = json!({
            "connected": true, "publish_epoch": 1, "since": "2026-09-21T14:13:20.000Z",
            "video": {"codec": "h264", "width": 1280, "height": 720, "fps": 30.0, "bitrate_bps": 2_500_000,
                      "keyframe_interval_ms": 2_000},
            "audio": {"codec": "aac", "sample_rate": 48_000, "channels": 2, "bitrate_bps": 128_000},
            "warnings": [{"code": "keyframe_interval", "detail": "Keyframes come every 4 s."}],
        });
        let now =
            StreamNow { take: Take::default(), publish_epoch: 1, connected: true, sends: true, health: stream.clone() };
        site.media.now.lock().unwrap().insert(id, now);
        let health = site.send("GET", &path, Some(MINA), Value::Null).await;
        for (field, value) in stream.as_object().unwrap() {
            assert_eq!(&health.body[field], value, "{field}");
        }
        assert_eq!(
            health.body["players"],
            json!({"sessions": 3, "stalls_per_minute": 0.5, "bitrate_bps": 2_000_000, "behind_live_ms": 1_800})
        );
        let seen = site.send("GET", &format!("{LIST}/{id}"), None, Value::Null).await;
        assert_eq!(seen.body["viewers"], json!({"concurrent": 3, "unique": 4, "peak": 5}));
        assert_eq!(seen.body["hearts"], json!(70));
    }
}

#[tokio::test]
async fn addresses_are_signed_where_they_have_to_be_and_the_host_s_admits_to_the_preview() {
    let tokens = PlaybackTokens::new(&[7; 32], 24 * 60 * 60_000);
    let cdn = "https://cdn.example/";
    for (playback_tokens, base, host_before, others_before, others_after) in [
        (true, "", Some(Admits::Preview), Some(Admits::Watching), Some(Admits::Watching)),
        (true, cdn, Some(Admits::Preview), Some(Admits::Watching), Some(Admits::Watching)),
        (false, cdn, Some(Admits::Preview), None, None),
    ] {
        let settings = Settings { playback_tokens, playback_base_url: base.into(), ..Settings::default() };
        for site in sites_with(settings).await {
            let made = create(&site, "signed").await;
            let id: kernel::BroadcastId = made.text("id").parse().unwrap();
            let admits = |answer: &Answer, file: &str| {
                let address = answer.text(file).strip_prefix(base.trim_end_matches('/')).unwrap();
                let rest = address.strip_prefix(&format!("/live/{id}/")).unwrap();
                let (token, _) = rest.split_once('/')?;
                Some(tokens.read(token, id, site.clock.now()).unwrap().admits)
            };
            assert_eq!(admits(&made, "playback_url"), host_before);
            assert_eq!(admits(&made, "thumbnail_url"), host_before);
            let seen = async |account| site.send("GET", &format!("{LIST}/{id}"), account, Value::Null).await;
            assert_eq!(admits(&seen(Some(MINA)).await, "playback_url"), host_before);
            assert_eq!(admits(&seen(Some(JUNO)).await, "playback_url"), others_before);
            assert_eq!(admits(&seen(None).await, "playback_url"), others_before);
            site.send("POST", &format!("{LIST}/{id}/start"), Some(MINA), Value::Null).await;
            assert_eq!(admits(&seen(None).await, "playback_url"), others_after);
            assert_eq!(admits(&seen(Some(MINA)).await, "playback_url"), others_after, "it is public now");
        }
    }
}
