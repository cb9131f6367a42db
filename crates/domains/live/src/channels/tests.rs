//! Channels on both SQL engines.

use serde_json::json;

use crate::testing::{JUNO, MINA, sites};

#[tokio::test]
async fn an_account_has_one_channel_made_on_first_need() {
    for site in sites().await {
        let channels = (0..8).map(|_| {
            let channels = site.channels.clone();
            tokio::spawn(async move { channels.of_account(MINA).await.unwrap() })
        });
        let mut ids = Vec::new();
        for channel in channels.collect::<Vec<_>>() {
            ids.push(channel.await.unwrap().id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{}", site.database.engine);
        assert_ne!(site.channels.of_account(JUNO).await.unwrap().id, ids[0]);
    }
}

#[tokio::test]
async fn the_default_title_is_the_name_until_it_is_changed() {
    for site in sites().await {
        let path = "/api/v1/me/channel";
        assert_eq!(site.send("GET", path, None, json!(null)).await.problem(), (401, "sign_in_required"));
        let channel = site.send("GET", path, Some(MINA), json!(null)).await;
        assert_eq!(channel.text("handle"), "mina");
        assert_eq!(channel.text("default_title"), "mina 님");
        assert_eq!(channel.body["has_stream_key"], json!(false));
        let changed = site.send("PATCH", path, Some(MINA), json!({"default_title": "  마당에서  "})).await;
        assert_eq!(changed.text("default_title"), "마당에서");
        for wrong in ["", "   ", "two\nlines", &"a".repeat(121)] {
            let answer = site.send("PATCH", path, Some(MINA), json!({"default_title": wrong})).await;
            assert_eq!(answer.problem(), (422, "invalid_title"), "{wrong:?}");
        }
        let channel = site.send("GET", path, Some(MINA), json!(null)).await;
        assert_eq!(channel.text("default_title"), "마당에서");
    }
}
