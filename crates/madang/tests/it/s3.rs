//! A site whose recordings are in S3: the whole show is played from there, and nothing of it is kept in the data folder.

use engines::testing::S3Process;
use hyper::Method;
use serde_json::json;

use crate::{
    encoder::{Encoder, decode},
    site::{Person, Site, id, until},
};

/// A secret that must be seen nowhere.
const SECRET: &str = "hunter2hunter2";
const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIATEST");

/// A show of five seconds that is over, and its replay complete.
async fn recorded(site: &Site, host: &Person) -> serde_json::Value {
    let broadcast = site.broadcast(host).await;
    let (content, said) = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 5).finish().await;
    assert!(content, "{said}");
    site.end_after_encoder(&broadcast, host).await;
    until("the replay is offered", || async { (site.show(&broadcast).await["replay"] == true).then_some(()) }).await;
    site.show(&broadcast).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_is_recorded_played_and_deleted_in_s3() {
    let Some(server) = S3Process::start() else { return };
    let url = server.url("site");
    let settings = [("MADANG_ENGINES_S3", url.as_str()), KEY, ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let site = Site::start_with(&settings).await;
    let host = site.person("host").await;
    let show = recorded(&site, &host).await;

    // Nothing of the process that recorded it is left but the bucket.
    let halted = site.halt().await;
    assert!(!halted.data().join("blobs").exists(), "the data folder keeps no blobs");
    let spool = std::fs::read_dir(halted.data().join("spool")).unwrap();
    let spooled = spool.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count();
    assert_eq!(spooled, 0, "the show has left the spool");
    let site = halted.start(&settings).await;
    let source = format!("http://{}{}", site.http, show["playback_url"].as_str().unwrap());
    assert_eq!(decode(&source, "v").await, (150, String::new()));
    let (status, ready) = site.api.fetch("/readyz").await.unwrap();
    assert!(status == 200 && String::from_utf8_lossy(&ready).contains("blobs"), "{status}");

    let recording = format!("?list-type=2&prefix=site/recordings/{}/", id(&show));
    assert!(server.ask_bucket("GET", &recording, "").contains("<Key>"), "it is in the bucket");
    let path = format!("/api/v1/broadcasts/{}", id(&show));
    site.api.call(Method::DELETE, &path, Some(&host.token), &json!(null)).await.unwrap();
    until("the recording is gone from the bucket", || async {
        (!server.ask_bucket("GET", &recording, "").contains("<Key>")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_whose_bucket_cannot_be_used_does_not_start_and_says_why() {
    let Some(server) = S3Process::start() else { return };
    let secret = ("AWS_SECRET_ACCESS_KEY", SECRET);
    let url = server.url("");
    let elsewhere = url.replace("madang-test", "madang-other");
    for (settings, reason) in [
        (vec![("MADANG_ENGINES_S3", url.as_str()), ("AWS_ACCESS_KEY_ID", ""), secret], "AWS_ACCESS_KEY_ID is not set"),
        (vec![("MADANG_ENGINES_S3", elsewhere.as_str()), KEY, secret], "NoSuchBucket"),
    ] {
        let (status, complaint) = Site::refused(&settings).await;
        assert!(!status.success() && complaint.contains("engines.s3") && complaint.contains(reason), "{complaint}");
        assert!(!complaint.contains(SECRET) && !complaint.contains(KEY.1), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_are_sent_for_to_s3_where_the_settings_say_so() {
    let Some(server) = S3Process::start() else { return };
    let url = server.url("");
    let settings = [
        ("MADANG_ENGINES_S3", url.as_str()),
        ("MADANG_MEDIA_REPLAYS_FROM_STORE", "true"),
        KEY,
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let site = Site::start_with(&settings).await;
    let host = site.person("host").await;
    let show = recorded(&site, &host).await;
    // The process that recorded it has its last minutes in memory; the next one has not.
    let site = site.kill_and_restart().await;
    let playback = show["playback_url"].as_str().unwrap();
    let (_, playlist) = site.api.fetch(&playback.replace("index.m3u8", "media.m3u8")).await.unwrap();
    let playlist = String::from_utf8(playlist.to_vec()).unwrap();
    let segment = playlist.lines().find(|line| line.starts_with("seg-")).expect("a segment");
    let (status, _) = site.api.fetch(&playback.replace("index.m3u8", segment)).await.unwrap();
    assert_eq!(status, 307, "the viewer is sent on");
    let source = format!("http://{}{playback}", site.http);
    assert_eq!(decode(&source, "v").await, (150, String::new()), "and has the whole show");
}
