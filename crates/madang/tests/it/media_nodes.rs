//! Several processes take and play the streams of one site: each stream is packaged by one of them, played by all, and moves
//! to another one when its process is gone or held up.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use engines::testing::S3Process;
use serde_json::{Value, json};

use crate::{
    encoder::{Encoder, decode},
    parts::{Ground, Process},
    site::{id, live, until},
};

/// A site with two media processes, and a show that its host has made.
struct Stage {
    ground: Ground,
    api: Process,
    _batch: Process,
    first: Process,
    second: Process,
    host: String,
    broadcast: Value,
}

impl Stage {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let ground = Ground::new().await;
        let (first, second) =
            tokio::join!(ground.process("media", "media-1", settings), ground.process("media", "media-2", settings));
        let (batch, api) =
            (ground.process("batch", "batch", settings).await, ground.process("api", "api", settings).await);
        let host = api.person("host").await;
        let broadcast = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Moves" })).await.unwrap();
        Self { ground, api, _batch: batch, first, second, host, broadcast }
    }

    fn encoder_at(&self, process: &Process) -> Encoder {
        Encoder::test_card(process.encoders.unwrap(), self.broadcast["stream_key"].as_str().unwrap(), 300)
    }

    fn path(&self, file: &str) -> String {
        format!("/live/{}/{file}", id(&self.broadcast))
    }

    async fn playlist(&self, at: &Process, query: &str) -> Option<String> {
        let (status, bytes) = at.api.fetch(&self.path(&format!("media.m3u8{query}"))).await.ok()?;
        (status == 200).then(|| String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// The playlist once it is there.
    async fn playing(&self, at: &Process) -> String {
        until("it plays", || self.playlist(at, "")).await
    }

    async fn file(&self, at: &Process, file: &str) -> Bytes {
        let (status, bytes) = at.api.fetch(&self.path(file)).await.unwrap();
        assert_eq!(status, 200, "{file}: {}", String::from_utf8_lossy(&bytes));
        bytes
    }

    /// Publishes at a process, again and again as an encoder does, until the show goes on from there.
    async fn publish_until_live(&self, at: &Process) -> Encoder {
        let (begun, (_, before)) = (Instant::now(), self.owner().await);
        loop {
            let mut encoder = self.encoder_at(at);
            while !encoder.has_ended() {
                if self.owner().await.1 > before {
                    self.api.until(&self.broadcast, "it is live", live).await;
                    return encoder;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(begun.elapsed() < Duration::from_secs(40), "the encoder is let in at last");
        }
    }

    async fn publishers(&self, at: &Process) -> f64 {
        at.metric("madang_ingest_publishers").await.unwrap_or_default()
    }

    /// Who has the stream, and the epoch of its publisher.
    async fn owner(&self) -> (String, i64) {
        let database = engines::sql::postgres(&self.ground.sql, 1).await.unwrap();
        let row =
            ports::sqlx::query_as("SELECT owner, publish_epoch FROM stream_now").fetch_optional(database.reader());
        let row: Option<(String, i64)> = row.await.unwrap();
        database.close().await;
        row.unwrap_or_default()
    }

    /// All that is kept of the show, with its bytes.
    fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.ground.blobs().join("recordings").join(id(&self.broadcast));
        let Ok(files) = std::fs::read_dir(folder) else { return BTreeMap::new() };
        let read = |path: &Path| std::fs::read(path).unwrap();
        files
            .map(|file| file.unwrap())
            .map(|file| (file.file_name().into_string().unwrap(), read(&file.path())))
            .collect()
    }

    async fn end(&self) {
        let end = format!("/api/v1/broadcasts/{}/end", id(&self.broadcast));
        self.api.api.post(&end, Some(&self.host), &json!({})).await.unwrap();
        self.api.until(&self.broadcast, "its recording is kept", |show| show["replay"] == true).await;
    }
}

fn tag(playlist: &str, name: &str) -> u64 {
    playlist.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap()
}

fn segments(playlist: &str) -> Vec<u64> {
    let names = playlist.lines().filter_map(|line| line.strip_prefix("seg-")?.strip_suffix(".m4s"));
    names.map(|name| name.parse().unwrap()).collect()
}

fn parts(playlist: &str) -> Vec<String> {
    let names = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:"));
    names.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_played_by_a_process_that_does_not_package_it() {
    let stage = Stage::new().await;
    let encoder = stage.publish_until_live(&stage.first).await;
    let playlist = stage.playing(&stage.second).await;
    assert!(String::from_utf8_lossy(&stage.file(&stage.second, "index.m3u8").await).contains("media.m3u8"));

    // Every part and segment is what it is where it was made.
    for part in parts(&playlist) {
        assert_eq!(stage.file(&stage.second, &part).await, stage.file(&stage.first, &part).await, "{part}");
    }
    for segment in segments(&playlist) {
        let file = format!("seg-{segment}.m4s");
        assert_eq!(stage.file(&stage.second, &file).await, stage.file(&stage.first, &file).await, "{file}");
    }
    let hinted = playlist.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT")).unwrap();
    let hinted = hinted.split('"').nth(1).unwrap().to_owned();
    assert!(!stage.file(&stage.second, &hinted).await.is_empty(), "the part to come is waited for");

    // A playlist that is waited for holds what it was asked to hold, and a crowd that wants it causes one question.
    let next = tag(&playlist, "#EXT-X-MEDIA-SEQUENCE:") + segments(&playlist).len() as u64 + 1;
    let asked = stage.second.metric("madang_media_asked_total{outcome=\"answered\"}").await.unwrap();
    let query = format!("?_HLS_msn={next}&_HLS_part=0");
    let crowd: Vec<_> = (0..50).map(|_| stage.playlist(&stage.second, &query)).collect();
    for waited_for in futures_util::future::join_all(crowd).await {
        let waited_for = waited_for.expect("it comes");
        let last = tag(&waited_for, "#EXT-X-MEDIA-SEQUENCE:") + segments(&waited_for).len() as u64;
        assert!(last >= next, "{query}: {waited_for}");
    }
    let now = stage.second.metric("madang_media_asked_total{outcome=\"answered\"}").await.unwrap();
    assert_eq!(now - asked, 1.0, "one question for all of them");

    let source = format!("http://{}{}", stage.second.http, stage.path("index.m3u8"));
    encoder.kill().await;
    stage.end().await;
    let (pictures, complaints) = decode(&source, "v").await;
    assert!(pictures > 60 && complaints.is_empty(), "{pictures} {complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_show_goes_on_at_another_process_when_its_own_is_killed() {
    let mut stage = Stage::new().await;
    let encoder = stage.publish_until_live(&stage.first).await;
    let refused = stage.encoder_at(&stage.second);
    let (ok, said) = refused.finish().await;
    assert!(!ok, "two processes never package one stream: {said}");
    let before = stage.playing(&stage.second).await;
    until("some of it is kept", || async { (!stage.kept().is_empty()).then_some(()) }).await;
    let (owner, epoch) = stage.owner().await;

    let third = stage.ground.process("media", "media-3", &[]).await;
    let killed = std::mem::replace(&mut stage.first, third);
    killed.kill().await;
    let begun = Instant::now();
    let answer = until("who watches is told to come back", || async {
        let (status, bytes) = stage.second.api.fetch(&stage.path("media.m3u8")).await.unwrap();
        (status == 503).then_some(bytes)
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(8), "within seconds: {:?}", begun.elapsed());
    let problem: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((problem["code"].as_str(), problem["retry_after_s"].as_u64()), (Some("stream_away"), Some(1)));

    encoder.kill().await;
    let encoder = stage.publish_until_live(&stage.second).await;
    let after = until("it goes on under the same address", || async {
        stage.playlist(&stage.first, "").await.filter(|playlist| segments(playlist).len() > 1)
    })
    .await;
    let (next_owner, next_epoch) = stage.owner().await;
    assert!(next_owner != owner && next_epoch > epoch);
    for number in ["#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-DISCONTINUITY-SEQUENCE:"] {
        assert!(tag(&after, number) > tag(&before, number), "it goes on behind what was seen: {before} {after}");
    }
    assert!(segments(&after).iter().all(|name| !segments(&before).contains(name)), "no name means two things");

    // What the killed process has recorded is part of the replay once it is back on its data folder.
    encoder.kill().await;
    stage.end().await;
    let replay = stage.playing(&stage.second).await;
    assert!(segments(&replay).iter().all(|name| !segments(&before).contains(name)));
    let _back = stage.ground.process("media", "media-1", &[]).await;
    let whole = until("the replay is whole", || async {
        let playlist = stage.playlist(&stage.first, "").await?;
        segments(&before).iter().all(|name| segments(&playlist).contains(name)).then_some(playlist)
    })
    .await;
    assert!(segments(&whole).ends_with(&segments(&replay)), "{whole}");
    let source = format!("http://{}{}", stage.first.http, stage.path("index.m3u8"));
    let (pictures, complaints) = decode(&source, "v").await;
    assert!(pictures > 60 && complaints.is_empty(), "{pictures} {complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_held_up_writes_nothing_over_the_one_that_took_its_stream() {
    let stage = Stage::new().await;
    let late = stage.publish_until_live(&stage.first).await;
    let before = stage.playing(&stage.first).await;
    stage.first.signal("-STOP").await;
    let encoder = stage.publish_until_live(&stage.second).await;
    let taken = stage.owner().await;
    until("it is recorded there", || async {
        let names = stage.kept().into_keys().filter(|name| name.starts_with("seg-")).count();
        (names > segments(&before).len() + 1).then_some(())
    })
    .await;
    let kept = stage.kept();

    stage.first.signal("-CONT").await;
    until("its publisher is ended", || async { (stage.publishers(&stage.first).await == 0.0).then_some(()) }).await;
    let (_, said) = late.finish().await;
    assert!(!said.is_empty(), "the encoder is sent away");
    assert_eq!(stage.owner().await, taken, "the row is the other one's");
    let now = stage.kept();
    for (name, bytes) in &kept {
        assert!(now.get(name) == Some(bytes), "{name} was written over");
    }
    let playing = stage.playing(&stage.second).await;
    let through_it = until("it plays what the other one packages", || stage.playlist(&stage.first, "")).await;
    assert!(segments(&through_it).iter().any(|name| segments(&playing).contains(name)), "{through_it} {playing}");

    encoder.kill().await;
    stage.end().await;
    let replay = until("the replay has both", || async {
        let playlist = stage.playlist(&stage.first, "").await?;
        segments(&before).iter().all(|name| segments(&playlist).contains(name)).then_some(playlist)
    })
    .await;
    let moments: Vec<&str> = replay.lines().filter_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")).collect();
    assert!(moments.is_sorted(), "the show is told once: {replay}");
}

/// The host may ask any process, signed in or by the address that is signed for the preview; the public none.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_previews_at_a_process_that_does_not_package_the_stream() {
    for is_signed in [false, true] {
        let settings = [("MADANG_LIVE_PLAYBACK_TOKENS", if is_signed { "true" } else { "false" })];
        let mut stage = Stage::with(&settings).await;
        let draft = json!({ "title": "Not yet", "auto_start": false });
        stage.broadcast = stage.api.api.post("/api/v1/broadcasts", Some(&stage.host), &draft).await.unwrap();
        let fan = stage.api.person("fan").await;
        let encoder = stage.encoder_at(&stage.first);
        stage.api.until(&stage.broadcast, "its stream is there", |show| show["stream"] != "absent").await;
        let path = format!("/api/v1/broadcasts/{}", id(&stage.broadcast));
        let shown = async |to: &str| {
            let show = stage.api.api.get(&path, Some(to)).await.unwrap();
            show["playback_url"].as_str().unwrap().strip_suffix("index.m3u8").unwrap().to_owned()
        };
        // The address alone admits where it is signed; where it is not, the host does.
        let folder = shown(&stage.host).await;
        let who = (!is_signed).then_some(stage.host.as_str());
        let fetch = async |at: &Process, who: Option<&str>, folder: &str, file: &str| {
            at.api.fetch_as(who, &format!("{folder}{file}")).await.unwrap()
        };
        let preview = until("the preview plays", || async {
            let (status, bytes) = fetch(&stage.second, who, &folder, "media.m3u8").await;
            let playlist = String::from_utf8(bytes.to_vec()).unwrap();
            (status == 200 && !segments(&playlist).is_empty()).then_some(playlist)
        })
        .await;
        let mut files = parts(&preview);
        files.extend(segments(&preview).iter().map(|name| format!("seg-{name}.m4s")));
        for file in &files {
            let there = fetch(&stage.first, who, &folder, file).await;
            assert!(there.0 == 200 && fetch(&stage.second, who, &folder, file).await == there, "{file}");
        }
        let of_all = shown(&fan).await;
        for at in [&stage.first, &stage.second] {
            for file in ["index.m3u8", "media.m3u8", &files[0]] {
                for who in [None, Some(fan.as_str())] {
                    assert_eq!(fetch(at, who, &of_all, file).await.0, 404, "{file} for {who:?}");
                }
            }
        }
        assert!(stage.kept().is_empty(), "nothing of it is recorded");

        let start = format!("{path}/start");
        stage.api.api.post(&start, Some(&stage.host), &json!({})).await.unwrap();
        let of_all = shown(&fan).await;
        let playlist = until("the show plays", || async {
            let (status, bytes) = fetch(&stage.second, None, &of_all, "media.m3u8").await;
            let playlist = String::from_utf8(bytes.to_vec()).unwrap();
            (status == 200 && !segments(&playlist).is_empty()).then_some(playlist)
        })
        .await;
        assert!(segments(&playlist).iter().all(|name| !segments(&preview).contains(name)), "{playlist}");
        for file in &files {
            assert_ne!(fetch(&stage.second, None, &of_all, file).await.0, 200, "{file} was seen by the host alone");
        }
        encoder.kill().await;
    }
}

/// Nothing is shared but the bucket.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_processes_have_recorded_is_one_replay_in_s3() {
    let Some(server) = S3Process::start() else { return };
    let bucket = server.url("site");
    let settings = [
        ("MADANG_ENGINES_BLOBS_FOLDER", ""),
        ("MADANG_ENGINES_S3", bucket.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let stage = Stage::with(&settings).await;
    let encoder = stage.publish_until_live(&stage.first).await;
    let recording = format!("?list-type=2&prefix=site/recordings/{}/", id(&stage.broadcast));
    let is_there = |segment: u64| server.ask_bucket("GET", &recording, "").contains(&format!("seg-{segment}.m4s"));
    let sealed = until("a segment is in the bucket", || async {
        let playlist = stage.playlist(&stage.first, "").await?;
        segments(&playlist).into_iter().find(|segment| is_there(*segment))
    })
    .await;
    let file = format!("seg-{sealed}.m4s");
    let bytes = stage.file(&stage.first, &file).await;
    // It stands still: what another one has of it is from the bucket.
    stage.first.signal("-STOP").await;
    assert!(stage.file(&stage.second, &file).await == bytes, "{file}");
    encoder.kill().await;

    let encoder = stage.publish_until_live(&stage.second).await;
    stage.first.signal("-CONT").await;
    until("its publisher is ended", || async { (stage.publishers(&stage.first).await == 0.0).then_some(()) }).await;
    let other = until("the other one's segments are in the bucket", || async {
        let playlist = stage.playlist(&stage.second, "").await?;
        segments(&playlist).into_iter().find(|segment| is_there(*segment))
    })
    .await;
    encoder.kill().await;
    stage.end().await;
    for at in [&stage.first, &stage.second] {
        until("the replay has both", || async {
            let names = segments(&stage.playlist(at, "").await?);
            (names.contains(&sealed) && names.contains(&other)).then_some(())
        })
        .await;
    }
    // A process that had nothing to do with it plays it, too.
    let third = stage.ground.process("media", "media-3", &settings).await;
    let source = format!("http://{}{}", third.http, stage.path("index.m3u8"));
    let (pictures, complaints) = decode(&source, "v").await;
    assert!(pictures > 90 && complaints.is_empty(), "{pictures} {complaints}");
    assert!(stage.kept().is_empty(), "nothing is in a folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_is_good_at_every_process_and_a_wrong_one_at_none() {
    let stage = Stage::with(&[("MADANG_LIVE_PLAYBACK_TOKENS", "true")]).await;
    let encoder = stage.publish_until_live(&stage.first).await;
    let show = stage.api.show(&stage.broadcast).await;
    let folder = show["playback_url"].as_str().unwrap().strip_suffix("index.m3u8").unwrap().to_owned();
    let fetch = async |at: &Process, path: String| at.api.fetch(&path).await.unwrap();
    for at in [&stage.first, &stage.second] {
        let playlist = until("it plays", || async {
            let (status, bytes) = fetch(at, format!("{folder}media.m3u8")).await;
            (status == 200).then(|| String::from_utf8(bytes.to_vec()).unwrap())
        })
        .await;
        // What the playlist names stays behind the token.
        let part = parts(&playlist).pop().unwrap();
        assert_eq!(fetch(at, format!("{folder}{part}")).await.0, 200, "{part}");
        assert_eq!(fetch(at, format!("{folder}index.m3u8")).await.0, 200);

        let draft = json!({ "title": "Another" });
        let another = stage.api.api.post("/api/v1/broadcasts", Some(&stage.host), &draft).await;
        let another = another.unwrap()["playback_url"].as_str().unwrap().to_owned();
        let token = another.split('/').rev().nth(1).unwrap();
        for (path, code) in [
            (stage.path("media.m3u8"), "address_not_signed"),
            (stage.path(&part), "address_not_signed"),
            (stage.path("made-up/media.m3u8"), "address_forged"),
            (stage.path(&format!("{token}/media.m3u8")), "address_of_another_broadcast"),
        ] {
            let (status, bytes) = fetch(at, path.clone()).await;
            let problem: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!((status, problem["code"].as_str()), (403, Some(code)), "{path}");
        }
    }
    encoder.kill().await;
}
