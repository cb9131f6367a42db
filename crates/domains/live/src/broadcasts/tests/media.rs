//! What becomes of the streams of a process, and when.

use std::sync::atomic::Ordering;

use kernel::{
    Timestamp,
    events::live::{BroadcastState, StreamState},
};
use serde_json::json;

use crate::{
    broadcasts::{Command, Recording},
    needs::Stage,
    testing::{MINA, START_MS, draft, identity, run, sites},
};

#[tokio::test]
async fn a_killed_server_finds_its_live_show_again() {
    for site in sites().await {
        let id = site.live().await;
        let began = Timestamp::from_millis(START_MS);
        assert_eq!(site.media.stage_now(id), Some(Stage::Live { timeline_start: began }));

        let site = site.killed_and_started_again();
        site.clock.advance(3_600_000);
        assert_eq!(site.broadcasts.recover_after_restart().await.unwrap(), 1);
        assert_eq!(
            site.media.stage_now(id),
            Some(Stage::Live { timeline_start: began }),
            "its stream is at its stage at once"
        );
        let waiting = site.seen(id).await.life;
        assert_eq!((waiting.state, waiting.stream), (BroadcastState::Live, StreamState::Interrupted));
        site.pass(29_999).await;
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(2));
        site.broadcasts.stream_arrived(id, 2).await;
        site.pass(60_000).await;
        let on_air = site.seen(id).await.life;
        assert_eq!((on_air.state, on_air.stream), (BroadcastState::Live, StreamState::Arriving));
        assert_eq!(on_air.timeline_start, Some(began), "the same broadcast on the same timeline");

        let site = site.killed_and_started_again();
        site.broadcasts.recover_after_restart().await.unwrap();
        site.pass(30_000).await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Ended, "nobody came back");
    }
}

#[tokio::test]
async fn an_end_that_was_kept_while_the_process_was_away_is_seen_when_it_starts_again() {
    for site in sites().await {
        let id = site.live().await;
        let end = "UPDATE broadcasts SET state = 'ended', stream = 'absent', silent_since_ms = NULL, \
                   ended_at_ms = 1790000000000, version = version + 1";
        site.execute(end).await;
        let site = site.killed_and_started_again();
        site.broadcasts.recover_after_restart().await.unwrap();
        assert_eq!(site.media.stage_now(id), Some(Stage::Ended));
        assert_eq!(site.seen(id).await.recording, Recording::Pending);
        site.media.blobs.replays.lock().unwrap().insert(id);
        site.clock.advance(3_600_000);
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.recording, Recording::Kept);
    }
}

#[tokio::test]
async fn a_recording_is_offered_as_long_as_media_keeps_it() {
    for site in sites().await {
        let id = site.live().await;
        site.media.blobs.replays.lock().unwrap().insert(id);
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        assert_eq!(site.media.stage_now(id), Some(Stage::Ended));
        assert!(site.media.disconnected.lock().unwrap().contains(&id));
        let ended = site.seen(id).await;
        assert_eq!(
            (ended.recording, ended.life.timeline_start),
            (Recording::Kept, Some(Timestamp::from_millis(START_MS)))
        );

        let path = format!("/api/v1/broadcasts/{id}");
        assert_eq!(site.send("GET", &path, None, json!(null)).await.body["replay"], json!(true));
        site.media.blobs.unreadable.store(true, Ordering::SeqCst);
        assert!(run(&site.broadcasts, "live.keep_recordings").await.is_err());
        assert_eq!(site.seen(id).await.recording, Recording::Kept, "what cannot be read is not forgotten");
        site.media.blobs.unreadable.store(false, Ordering::SeqCst);
        site.run("live.keep_recordings").await;
        assert_eq!(site.seen(id).await.recording, Recording::Kept);
        site.media.blobs.replays.lock().unwrap().remove(&id);
        site.run("live.keep_recordings").await;
        assert_eq!(site.send("GET", &path, None, json!(null)).await.body["replay"], json!(false));
    }
}

#[tokio::test]
async fn a_recording_that_is_never_sealed_is_given_up_and_one_that_never_began_at_once() {
    for site in sites().await {
        let (called_off, _) = site.broadcasts.create(MINA, draft("not today")).await.unwrap();
        site.broadcasts.command(&identity(MINA), called_off.id, Command::End).await.unwrap();
        assert_eq!(site.seen(called_off.id).await.recording, Recording::Gone);

        let id = site.live().await;
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        site.clock.advance(599_999);
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.recording, Recording::Pending);
        site.clock.advance(1);
        site.media.sealing.lock().unwrap().insert(id);
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.recording, Recording::Pending, "it is on its way, however long that takes");
        site.media.sealing.lock().unwrap().clear();
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.recording, Recording::Gone);
        for _ in 0..2 {
            site.run("live.keep_streams").await;
        }
        assert!(site.media.forgotten.lock().unwrap().contains(&id) && site.owners().await.is_empty());
    }
}

#[tokio::test]
async fn news_that_could_not_be_kept_is_tried_again() {
    for site in sites().await {
        let (broadcast, _) = site.broadcasts.create(MINA, draft("through an outage")).await.unwrap();
        let epoch = site.broadcasts.begin_epoch(broadcast.id).await.unwrap();
        site.execute("ALTER TABLE broadcasts RENAME TO out_of_reach").await;
        site.broadcasts.stream_arrived(broadcast.id, epoch).await;
        site.execute("ALTER TABLE out_of_reach RENAME TO broadcasts").await;
        assert_eq!(site.seen(broadcast.id).await.life.state, BroadcastState::Ready);
        site.pass(500).await;
        assert_eq!(site.seen(broadcast.id).await.life.state, BroadcastState::Live, "{}", site.database.engine);
    }
}
