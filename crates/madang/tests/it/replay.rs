//! After the end, the same address plays the whole show, also after a restart.

use serde_json::json;

use crate::{
    encoder::{Encoder, decode},
    site::{Site, id, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_survives_a_restart_and_can_be_deleted() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let (content, said) = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 5).finish().await;
    assert!(content, "{said}");
    site.end_after_encoder(&broadcast, &host).await;
    until("the replay is offered", || async { (site.show(&broadcast).await["replay"] == true).then_some(()) }).await;

    let site = site.kill_and_restart().await;
    let show = site.show(&broadcast).await;
    assert_eq!((&show["state"], &show["replay"]), (&json!("ended"), &json!(true)));
    let source = format!("http://{}{}", site.http, show["playback_url"].as_str().unwrap());
    let (frames, complaints) = decode(&source, "v").await;
    assert_eq!((frames, complaints.as_str()), (150, ""));
    let ended = site.api.get("/api/v1/broadcasts?state=ended", None).await.unwrap();
    assert_eq!(ended["items"][0]["id"], broadcast["id"]);

    let path = format!("/api/v1/broadcasts/{}", id(&broadcast));
    site.api.call(hyper::Method::DELETE, &path, Some(&host.token), &json!(null)).await.unwrap();
    until("the replay is gone", || async {
        let (status, _) = site.api.fetch(show["playback_url"].as_str().unwrap()).await.ok()?;
        matches!(status, 404 | 410).then_some(())
    })
    .await;
}
