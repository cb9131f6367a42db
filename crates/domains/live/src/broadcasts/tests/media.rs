//! What media is told, and when.

use std::sync::atomic::Ordering;

use kernel::{
    Timestamp,
    events::live::{BroadcastState, StreamState},
};
use serde_json::json;

use crate::{
    broadcasts::{Command, Recording},
    needs::Stage,
    testing::{MINA, START_MS, draft, identity, sites},
};

#[tokio::test]
async fn a_killed_server_finds_its_live_show_again() {
    for site in sites().await {
        let id = site.live().await;
        let began = Timestamp::from_millis(START_MS + 250);
        site.media.timelines.lock().unwrap().insert(id, began);
        site.pass(1_000).await;
        assert_eq!(site.media.stage(id), Some(Stage::Live { timeline_start: Some(began) }));

        let site = site.killed_and_started_again();
        site.clock.advance(3_600_000);
        assert_eq!(site.broadcasts.recover_after_restart().await.unwrap(), 1);
        assert_eq!(site.media.stage(id), Some(Stage::Live { timeline_start: Some(began) }), "media is told at once");
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
async fn an_end_that_media_did_not_hear_of_is_told_after_the_restart() {
    for site in sites().await {
        let id = site.live().await;
        // As if the process had died between the commit and the word to media.
        let end = "UPDATE broadcasts SET state = 'ended', stream = 'absent', silent_since_ms = NULL, \
                   ended_at_ms = 1790000000000, version = version + 1";
        site.execute(end).await;
        let site = site.killed_and_started_again();
        site.broadcasts.recover_after_restart().await.unwrap();
        assert_eq!(site.media.stage(id), Some(Stage::Ended));
        assert_eq!(site.seen(id).await.recording, Recording::Pending);
        site.media.replays.lock().unwrap().insert(id);
        site.clock.advance(3_600_000);
        site.run("live.keep_stages").await;
        assert_eq!(site.seen(id).await.recording, Recording::Kept);
    }
}

#[tokio::test]
async fn a_recording_is_offered_as_long_as_media_keeps_it() {
    for site in sites().await {
        let id = site.live().await;
        site.media.replays.lock().unwrap().insert(id);
        site.media.timelines.lock().unwrap().insert(id, Timestamp::from_millis(START_MS));
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        assert_eq!(site.media.stage(id), Some(Stage::Ended));
        assert!(site.media.disconnected.lock().unwrap().contains(&id));
        let ended = site.seen(id).await;
        assert_eq!(
            (ended.recording, ended.life.timeline_start),
            (Recording::Kept, Some(Timestamp::from_millis(START_MS)))
        );

        let path = format!("/api/v1/broadcasts/{id}");
        assert_eq!(site.send("GET", &path, None, json!(null)).await.body["replay"], json!(true));
        site.media.unreadable.store(true, Ordering::SeqCst);
        let schedules = crate::broadcasts::schedules(&site.broadcasts);
        let keep = schedules.iter().find(|schedule| schedule.name() == "live.keep_recordings").unwrap();
        assert!(keep.run().await.is_err());
        assert_eq!(site.seen(id).await.recording, Recording::Kept, "what cannot be read is not forgotten");
        site.media.unreadable.store(false, Ordering::SeqCst);
        site.run("live.keep_recordings").await;
        assert_eq!(site.seen(id).await.recording, Recording::Kept);
        site.media.replays.lock().unwrap().remove(&id);
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
        site.run("live.keep_stages").await;
        assert_eq!(site.seen(id).await.recording, Recording::Pending);
        site.clock.advance(1);
        site.run("live.keep_stages").await;
        assert_eq!(site.seen(id).await.recording, Recording::Gone);
        site.media.stages.lock().unwrap().clear();
        site.run("live.keep_stages").await;
        assert!(site.media.stages.lock().unwrap().is_empty(), "what is settled is left in peace");
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
