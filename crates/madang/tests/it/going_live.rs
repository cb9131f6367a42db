//! From the encoder to the player.

use serde_json::json;

use crate::{
    encoder::{Encoder, H264, TEST_CARD, decode, packets, presentation_times},
    site::{Site, id, refusal, until},
};

fn playlist(site: &Site, show: &serde_json::Value) -> String {
    format!("http://{}{}", site.http, show["playback_url"].as_str().unwrap())
}

/// What the whole show must look like to a decoder: every frame once, evenly spaced.
pub(crate) async fn assert_whole(source: &str, frames: usize, rate: f64) {
    let video = packets(source, "v").await;
    let times = presentation_times(&video);
    assert_eq!(times.len(), frames, "frames that arrived");
    for pair in times.windows(2) {
        let step = pair[1] - pair[0];
        assert!((step - 1.0 / rate).abs() < 0.6 / rate, "a step of {step} s between pictures at {} s", pair[0]);
    }
    let (decoded, complaints) = decode(source, "v").await;
    assert_eq!((decoded, complaints.as_str()), (frames, ""), "frames that decode");
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_with_b_frames_reaches_the_player_whole() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    assert_eq!(broadcast["state"], "ready");

    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 8);
    let show = site.until_state(&broadcast, "live").await;
    assert_eq!(show["stream"], "arriving");
    let live = playlist(&site, &show);
    let master =
        String::from_utf8(site.api.fetch(show["playback_url"].as_str().unwrap()).await.unwrap().1.to_vec()).unwrap();
    assert!(master.contains("CODECS=\"avc1.") && master.contains("mp4a.40.2"), "{master}");
    assert!(master.contains("RESOLUTION=640x360") && master.contains("BANDWIDTH="), "{master}");
    let (content, said) = encoder.finish().await;
    assert!(content, "{said}");
    site.end_after_encoder(&broadcast, &host).await;
    site.until_state(&broadcast, "ended").await;
    until("the replay is complete", || async {
        let media = site.api.fetch(&format!("/live/{}/media.m3u8", id(&broadcast))).await.ok()?.1;
        String::from_utf8_lossy(&media).contains("#EXT-X-ENDLIST").then_some(())
    })
    .await;
    assert_whole(&live, 240, 30.0).await;
    let (pieces, complaints) = decode(&live, "a").await;
    assert!(pieces >= 340 && complaints.is_empty(), "{pieces} pieces of sound: {complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn enhanced_rtmp_and_single_tracks_reach_the_player_whole() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let video: &[&str] = &TEST_CARD[..4];
    let sound: &[&str] = &TEST_CARD[4..];
    let x265 = [
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none:bframes=2:keyint=30",
        "-c:a",
        "aac",
    ];
    let av1 = ["-c:v", "libsvtav1", "-preset", "12", "-g", "30", "-svtav1-params", "pred-struct=1", "-c:a", "aac"];
    let opus = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "libopus"];
    /// A name, what ffmpeg reads, how it codes it, what `CODECS` must name, and how many pictures must arrive.
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a str, usize);
    let cases: &[Case<'_>] = &[
        ("hevc", TEST_CARD, &x265, "hvc1.", 120),
        ("av1", TEST_CARD, &av1, "av01.", 120),
        ("opus", TEST_CARD, &opus, "opus", 120),
        ("video only", video, &H264[..10], "avc1.", 120),
        ("audio only", sound, &["-c:a", "aac"], "mp4a.40.2", 0),
    ];
    for (name, input, coding, codec, frames) in cases {
        let broadcast = site.broadcast(&host).await;
        let encoder = Encoder::publish(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 4, input, coding);
        let (content, said) = encoder.finish().await;
        assert!(content, "{name}: {said}");
        site.end_after_encoder(&broadcast, &host).await;
        let show = site.until_state(&broadcast, "ended").await;
        let master =
            String::from_utf8(site.api.fetch(show["playback_url"].as_str().unwrap()).await.unwrap().1.to_vec())
                .unwrap();
        assert!(master.contains(codec), "{name}: {master}");
        let source = playlist(&site, &show);
        if *frames > 0 {
            assert_whole(&source, *frames, 30.0).await;
        } else {
            let (pieces, complaints) = decode(&source, "a").await;
            assert!(pieces >= 170 && complaints.is_empty(), "{name}: {pieces} pieces of sound: {complaints}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_and_a_second_publisher_are_refused() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap();

    let (content, _) = Encoder::test_card(site.rtmp, "bk_not_a_key", 3).finish().await;
    assert!(!content, "a wrong key was let in");

    let first = Encoder::test_card(site.rtmp, key, 60);
    site.until_state(&broadcast, "live").await;
    let (content, _) = Encoder::test_card(site.rtmp, key, 3).finish().await;
    assert!(!content, "a second publisher was let in while the first one sends");
    assert_eq!(site.show(&broadcast).await["stream"], "arriving");
    first.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_returns_goes_on_in_the_same_show() {
    let site = Site::start().await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let key = broadcast["stream_key"].as_str().unwrap();
    let first = Encoder::test_card(site.rtmp, key, 60);
    site.until_state(&broadcast, "live").await;
    let media = format!("/live/{}/media.m3u8", id(&broadcast));
    until("two segments are there", || async {
        let (_, text) = site.api.fetch(&media).await.ok()?;
        (String::from_utf8_lossy(&text).matches("#EXTINF").count() >= 2).then_some(())
    })
    .await;
    first.kill().await;
    until("the stream is interrupted", || async {
        (site.show(&broadcast).await["stream"] == "interrupted").then_some(())
    })
    .await;
    assert_eq!(site.show(&broadcast).await["state"], "live");

    let _second = Encoder::test_card(site.rtmp, key, 60);
    until("the stream arrives again", || async { (site.show(&broadcast).await["stream"] == "arriving").then_some(()) })
        .await;
    let text = until("the playlist goes on behind a discontinuity", || async {
        let (_, text) = site.api.fetch(&media).await.ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (_, after) = text.split_once("#EXT-X-DISCONTINUITY\n")?;
        after.contains("#EXTINF").then_some(text.clone())
    })
    .await;
    assert!(!text.contains("#EXT-X-ENDLIST"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_stays_away_ends_the_show() {
    let site = Site::start_with(&[("MADANG_LIVE_GRACE_S", "1")]).await;
    let host = site.person("host").await;
    let broadcast = site.broadcast(&host).await;
    let encoder = Encoder::test_card(site.rtmp, broadcast["stream_key"].as_str().unwrap(), 60);
    site.until_state(&broadcast, "live").await;
    encoder.kill().await;
    let ended = site.until_state(&broadcast, "ended").await;
    assert!(ended["ended_at"].is_string());
    let start = format!("/api/v1/broadcasts/{}/start", id(&broadcast));
    assert_eq!(refusal(site.api.post(&start, Some(&host.token), &json!({})).await), (409, "wrong_state".into()));
}
