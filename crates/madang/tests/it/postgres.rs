//! The same application on PostgreSQL, by naming its URL.

use serde_json::json;

use crate::{
    encoder::Encoder,
    realtime::Connection,
    site::{Site, id, until},
};

/// A database of its own on the server the test command started.
async fn database() -> String {
    let server =
        std::env::var("MADANG_TEST_POSTGRES").expect("MADANG_TEST_POSTGRES names a server, as `make test` does");
    let name = format!("site_{}", std::process::id());
    engines::testing::create_postgres_database(&server, &name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_with_its_crowd_runs_on_postgresql_and_survives_a_crash() {
    let url = database().await;
    let site = Site::start_with(&[("MADANG_ENGINES_SQL", &url)]).await;
    let (host, fan) = (site.person("host").await, site.person("fan").await);
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap().to_owned();
    let _encoder = Encoder::test_card(site.rtmp, &key, 120);
    site.until_state(&broadcast, "live").await;

    let channel = format!("chat:{}", id(&broadcast));
    let mut writer = Connection::open(&site, Some(&fan)).await;
    for number in 1..=10 {
        let data = json!({ "text": format!("message {number}"), "client_id": number.to_string() });
        let reply = writer.call("publish", json!({ "channel": channel, "data": data })).await.unwrap();
        assert!(reply["publish"].is_object(), "{reply}");
    }
    let playback =
        site.api.post("/api/v1/playbacks", Some(&fan.token), &json!({ "broadcast": id(&broadcast) })).await.unwrap();
    let session = playback["session"].clone();
    site.api.post("/api/v1/beats", None, &json!({ "session": session, "position_ms": 0 })).await.unwrap();
    site.api.post("/api/v1/hearts", None, &json!({ "session": session, "seq": 1, "taps": [1, 2, 3] })).await.unwrap();
    until("the hearts are kept", || async { (site.show(&broadcast).await["hearts"] == 3).then_some(()) }).await;

    let site = site.kill_and_restart().await;
    let show = site.show(&broadcast).await;
    assert_eq!((&show["state"], &show["hearts"]), (&json!("live"), &json!(3)), "{show}");
    let messages = site.api.get(&format!("/api/v1/broadcasts/{}/messages", id(&broadcast)), None).await.unwrap();
    let offsets: Vec<u64> =
        messages["items"].as_array().unwrap().iter().map(|item| item["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (1..=10).collect::<Vec<u64>>());
}
