//! A site of several processes: one has the stream, others decide about the show.

use std::sync::{Arc, Mutex};

use kernel::{
    BroadcastId, Timestamp,
    events::live::{BroadcastState, StreamState},
};
use ports::sql::Dialect;

use crate::{
    broadcasts::{Change, Command, Draft, Error, PublishRefused, Recording},
    needs::{OtherProcesses, Stage, Take},
    testing::{Blobs, MINA, START_MS, Streams, draft, identity, run, sites},
};

const LIVE: Stage = Stage::Live { timeline_start: Timestamp::from_millis(START_MS) };

#[tokio::test]
async fn what_is_decided_elsewhere_is_done_where_the_stream_is() {
    for site in sites().await {
        let (id, elsewhere, mina) = (site.live().await, site.elsewhere(), identity(MINA));
        elsewhere.command(&mina, id, Command::Pause).await.unwrap();
        assert_eq!(site.media.stage_now(id), Some(LIVE), "nobody told it");
        site.run("live.keep_streams").await;
        assert_eq!(site.media.stage_now(id), Some(Stage::Paused));

        elsewhere.command(&mina, id, Command::Resume).await.unwrap();
        site.broadcasts.changed_elsewhere(id).await;
        assert_eq!(site.media.stage_now(id), Some(LIVE), "at once, where the word arrives");
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Live);

        elsewhere.command(&mina, id, Command::End).await.unwrap();
        site.run("live.keep_streams").await;
        assert_eq!(site.media.stage_now(id), Some(Stage::Ended));
        assert!(site.media.disconnected.lock().unwrap().contains(&id));
    }
}

/// What other processes are told.
#[derive(Default)]
struct Told(Mutex<Vec<BroadcastId>>);

impl OtherProcesses for Told {
    fn changed(&self, broadcast: BroadcastId) {
        self.0.lock().unwrap().push(broadcast);
    }
}

#[tokio::test]
async fn others_are_told_of_what_is_to_become_of_a_stream_that_is_not_here() {
    for site in sites().await {
        let (id, mina, told) = (site.live().await, identity(MINA), Arc::new(Told::default()));
        let elsewhere = site.telling(None, &site.media.blobs, Some(told.clone()));
        let title = Change { title: Some("Another title".into()), auto_start: None };
        elsewhere.change(&mina, id, title).await.unwrap();
        assert!(told.0.lock().unwrap().is_empty(), "the stream has nothing to do with its title");
        for (command, words) in [(Command::Pause, 1), (Command::Resume, 2), (Command::End, 3)] {
            elsewhere.command(&mina, id, command).await.unwrap();
            assert_eq!(*told.0.lock().unwrap(), vec![id; words], "{command:?}");
        }
        let (next, mine) = (site.live().await, Arc::new(Told::default()));
        let here = site.telling(Some(site.media.clone()), &site.media.blobs, Some(mine.clone()));
        here.command(&mina, next, Command::Pause).await.unwrap();
        assert_eq!(site.media.stage_now(next), Some(Stage::Paused));
        assert!(mine.0.lock().unwrap().is_empty(), "it is done already");
    }
}

#[tokio::test]
async fn a_pause_is_not_undone_by_who_read_the_row_before_it() {
    for site in sites().await {
        let id = site.live().await;
        let read_before = site.seen(id).await;
        site.broadcasts.command(&identity(MINA), id, Command::Pause).await.unwrap();
        site.broadcasts.look_after(&read_before).await;
        assert_eq!(site.media.stage_now(id), Some(Stage::Paused), "{}", site.database.engine);
    }
}

#[tokio::test]
async fn a_show_without_a_publisher_has_a_stream_nowhere() {
    for site in sites().await {
        let quiet = Draft { auto_start: false, ..draft("nobody sends") };
        let (broadcast, _) = site.broadcasts.create(MINA, quiet).await.unwrap();
        site.broadcasts.command(&identity(MINA), broadcast.id, Command::Start).await.unwrap();
        site.run("live.keep_streams").await;
        assert_eq!((site.media.stage_now(broadcast.id), site.owners().await), (None, Vec::new()));
        site.elsewhere().command(&identity(MINA), broadcast.id, Command::End).await.unwrap();
        site.clock.advance(1_000);
        assert_eq!(site.seen(broadcast.id).await.recording, Recording::Gone, "nothing was recorded of it");
    }
}

#[tokio::test]
async fn a_publisher_whose_process_is_not_heard_of_is_gone_and_one_that_was_there_after_all_goes_on() {
    for site in sites().await {
        let (id, elsewhere) = (site.live().await, site.elsewhere());
        site.media.publishes(id, 1, true);
        run(&elsewhere, "live.pass_time").await.unwrap();
        assert_eq!(site.seen(id).await.life.stream, StreamState::Arriving, "its process wrote just now");
        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        site.run("live.pass_time").await;
        assert_eq!(site.seen(id).await.life.stream, StreamState::Arriving, "nobody takes itself for dead");
        run(&elsewhere, "live.pass_time").await.unwrap();
        site.clock.advance(1_000);
        let silent = site.seen(id).await.life;
        assert_eq!((silent.stream, silent.gone_epoch), (StreamState::Interrupted, 1));

        site.run("live.keep_streams").await;
        let back = site.seen(id).await.life;
        assert_eq!((back.stream, back.gone_epoch, back.publish_epoch), (StreamState::Arriving, 0, 1));
        site.media.publishes(id, 1, false);
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.life.stream, StreamState::Interrupted, "and is missed when it does go");
    }
}

#[tokio::test]
async fn a_publisher_that_nobody_told_of_is_seen() {
    for site in sites().await {
        let (broadcast, _) = site.broadcasts.create(MINA, draft("the word was lost")).await.unwrap();
        let id = broadcast.id;
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(1));
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Ready);
        site.media.publishes(id, 1, true);
        site.run("live.keep_streams").await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Live);
    }
}

#[tokio::test]
async fn the_grace_does_not_end_a_show_whose_encoder_is_back_and_not_heard_of_yet() {
    for site in sites().await {
        let (id, elsewhere) = (site.live().await, site.elsewhere());
        site.broadcasts.stream_interrupted(id, 1).await;
        site.clock.advance(29_999);
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(2));
        site.clock.advance(60_000);
        run(&elsewhere, "live.pass_time").await.unwrap();
        site.clock.advance(1_000);
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Live);
        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        run(&elsewhere, "live.pass_time").await.unwrap();
        site.clock.advance(1_000);
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Ended, "its process went with it");
    }
}

#[tokio::test]
async fn a_process_that_starts_takes_only_its_own_publishers_for_gone() {
    for site in sites().await {
        let id = site.live().await;
        let second = Arc::new(Streams::of("second", site.media.blobs.clone()));
        let another = site.another(Some(second.clone()), &site.media.blobs);
        assert_eq!(another.recover_after_restart().await.unwrap(), 0);
        assert_eq!(site.elsewhere().recover_after_restart().await.unwrap(), 0);
        site.clock.advance(1_000);
        assert_eq!(site.seen(id).await.life.stream, StreamState::Arriving);

        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        assert_eq!(another.begin_epoch(id).await, Ok(2));
        site.run("live.keep_streams").await;
        assert!(site.media.disconnected.lock().unwrap().contains(&id), "it is another's now");
        assert_eq!(site.owners().await, [(id, "second".to_owned())]);
        assert_eq!(site.broadcasts.recover_after_restart().await.unwrap(), 0);
        assert_eq!(second.stage_now(id), Some(LIVE));
    }
}

#[tokio::test]
async fn a_stream_moves_when_its_process_is_gone_and_begins_behind_all_that_was_seen() {
    for site in sites().await {
        let id = site.live().await;
        let second = Arc::new(Streams::of("second", site.media.blobs.clone()));
        let another = site.another(Some(second.clone()), &site.media.blobs);
        let refused = another.begin_epoch(id).await.unwrap_err();
        assert!(matches!(&refused, PublishRefused::NotNow(reason) if reason.contains("Another encoder")), "{refused}");
        assert_eq!(site.seen(id).await.life.publish_epoch, 1, "nothing was changed");
        let place = another.place_elsewhere(id).await.unwrap().unwrap();
        assert_eq!((place.owner.as_str(), place.address.as_str()), ("first", "192.0.2.7:8080"));
        assert_eq!(site.broadcasts.place_elsewhere(id).await.unwrap(), None, "it is here");

        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000, sequence = 100, discontinuities = 7").await;
        site.clock.advance(1_000);
        assert_eq!(another.place_elsewhere(id).await.unwrap(), None, "nobody has heard of it");
        assert_eq!(another.begin_epoch(id).await, Ok(2));
        let Take { number, sequence, discontinuities } = second.takes.lock().unwrap()[&id];
        assert!(number == 2 && sequence >= 120 && discontinuities >= 27, "{number} {sequence} {discontinuities}");

        // The encoder goes back in good order: the second process has said that it is gone.
        another.stream_interrupted(id, 2).await;
        site.media.publishes(id, 1, true);
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(3));
        assert_eq!(site.media.takes.lock().unwrap()[&id].number, 3, "what it has in memory is of before");
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(4));
        assert_eq!(site.media.takes.lock().unwrap()[&id].number, 3, "now it goes on");
    }
}

#[tokio::test]
async fn a_process_that_was_held_up_lets_go_of_what_is_another_s_and_keeps_no_row() {
    for site in sites().await {
        let id = site.live().await;
        site.media.publishes(id, 1, true);
        let second = Arc::new(Streams::of("second", site.media.blobs.clone()));
        let another = site.another(Some(second.clone()), &site.media.blobs);
        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        assert_eq!(another.begin_epoch(id).await, Ok(2));
        site.run("live.keep_streams").await;
        assert_eq!(site.media.stage_now(id), None, "it packages nothing more: {}", site.database.engine);
        assert!(site.media.disconnected.lock().unwrap().contains(&id));
        assert_eq!(site.owners().await, [(id, "second".to_owned())]);
        assert_eq!(second.stage_now(id), Some(LIVE));
    }
}

#[tokio::test]
async fn only_the_owner_of_a_stream_says_that_there_is_no_recording() {
    for site in sites().await {
        let id = site.live().await;
        let second = Arc::new(Streams::of("second", site.media.blobs.clone()));
        let another = site.another(Some(second), &site.media.blobs);
        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        assert_eq!(another.begin_epoch(id).await, Ok(2));
        site.elsewhere().command(&identity(MINA), id, Command::End).await.unwrap();
        site.clock.advance(3_600_000);
        site.run("live.keep_streams").await;
        assert_eq!(site.media.stage_now(id), Some(Stage::Ended), "it still had a stream");
        assert_eq!(site.seen(id).await.recording, Recording::Pending);
        site.media.blobs.replays.lock().unwrap().insert(id);
        run(&another, "live.keep_streams").await.unwrap();
        assert_eq!(another.find(id).await.unwrap().recording, Recording::Kept);
    }
}

#[tokio::test]
async fn a_spool_from_before_there_were_owners_is_its_finders() {
    for site in sites().await {
        let id = site.live().await;
        site.execute("UPDATE stream_now SET owner = ''").await;
        let site = site.killed_and_started_again();
        assert_eq!(site.broadcasts.recover_after_restart().await.unwrap(), 1);
        assert_eq!(site.owners().await, [(id, "first".to_owned())]);
        assert_eq!(site.seen(id).await.life.stream, StreamState::Interrupted);
    }
}

#[tokio::test]
async fn a_recording_that_is_deleted_elsewhere_is_let_go_of_even_if_it_is_sealed_after_that() {
    for site in sites().await {
        let (id, elsewhere, mina) = (site.live().await, site.elsewhere(), identity(MINA));
        site.broadcasts.command(&mina, id, Command::End).await.unwrap();
        elsewhere.delete_recording(&mina, id).await.unwrap();
        // The owner was just about to write its index.
        site.media.blobs.replays.lock().unwrap().insert(id);
        site.run("live.keep_streams").await;
        assert!(site.media.blobs.replays.lock().unwrap().is_empty(), "{}", site.database.engine);
        assert!(site.media.forgotten.lock().unwrap().contains(&id));
        site.clock.advance(1_000);
        assert_eq!(site.seen(id).await.recording, Recording::Gone);
        site.run("live.keep_streams").await;
        assert_eq!(site.owners().await, [], "nothing of it is left");
    }
}

#[tokio::test]
async fn a_recording_that_cannot_be_removed_is_not_offered_and_the_next_call_goes_on() {
    for site in sites().await {
        let (id, elsewhere, mina) = (site.live().await, site.elsewhere(), identity(MINA));
        site.media.blobs.replays.lock().unwrap().insert(id);
        site.broadcasts.command(&mina, id, Command::End).await.unwrap();
        site.media.blobs.unreadable.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(elsewhere.delete_recording(&mina, id).await.is_err());
        assert_eq!(elsewhere.find(id).await.unwrap().recording, Recording::Gone);
        site.media.blobs.unreadable.store(false, std::sync::atomic::Ordering::SeqCst);
        elsewhere.delete_recording(&mina, id).await.unwrap();
        assert!(site.media.blobs.replays.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_process_with_other_blobs_forgets_no_recording() {
    for site in sites().await {
        let id = site.live().await;
        site.media.blobs.replays.lock().unwrap().insert(id);
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        site.run("live.keep_recordings").await;
        let astray = site.another(None, &Arc::<Blobs>::default());
        let refused = run(&astray, "live.keep_recordings").await.unwrap_err();
        assert!(refused.to_string().contains("not those of this site"), "{refused}");
        assert!(matches!(astray.check_recordings().await, Err(Error::OtherBlobs(_))));
        assert_eq!(astray.find(id).await.unwrap().recording, Recording::Kept);
        site.media.blobs.replays.lock().unwrap().clear();
        run(&site.elsewhere(), "live.keep_recordings").await.unwrap();
        site.clock.advance(1_000);
        assert_eq!(site.seen(id).await.recording, Recording::Gone, "who sees the right ones does");
    }
}

#[tokio::test]
async fn others_read_how_a_stream_is_from_its_row_while_its_process_writes() {
    for site in sites().await {
        let (id, elsewhere) = (site.live().await, site.elsewhere());
        site.media.publishes(id, 1, true);
        site.run("live.keep_streams").await;
        let written = elsewhere.stream_health(id).await.unwrap();
        if site.database.database.dialect() == Dialect::Sqlite {
            assert_eq!(written, None, "its file has one process: nothing is written for others");
            continue;
        }
        assert_eq!(written.unwrap()["connected"], serde_json::json!(true));
        site.execute("UPDATE stream_now SET at_ms = at_ms - 5000").await;
        assert_eq!(elsewhere.stream_health(id).await.unwrap(), None, "nobody knows any more");
    }
}
