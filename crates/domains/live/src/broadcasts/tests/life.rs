//! The life of a broadcast, as hosts and streams move it.

use kernel::{
    Timestamp,
    events::live::{BroadcastState, StreamState},
};

use crate::{
    broadcasts::{Change, Command, Draft, Error, PublishRefused, lifecycle::WrongState},
    needs::Stage,
    testing::{ADMIN, JUNO, MINA, START_MS, draft, identity, sites},
};

#[tokio::test]
async fn an_encoder_that_returns_in_time_goes_on_and_one_that_stays_away_ends_the_show() {
    for site in sites().await {
        let id = site.live().await;
        let live = site.seen(id).await.life;
        assert_eq!((live.state, live.stream, live.publish_epoch), (BroadcastState::Live, StreamState::Arriving, 1));

        site.broadcasts.stream_interrupted(id, 1).await;
        site.pass(29_999).await;
        let silent = site.seen(id).await.life;
        assert_eq!((silent.state, silent.stream), (BroadcastState::Live, StreamState::Interrupted));
        assert_eq!(site.broadcasts.begin_epoch(id).await, Ok(2));
        site.broadcasts.stream_arrived(id, 2).await;
        site.broadcasts.stream_interrupted(id, 1).await;
        site.broadcasts.stream_arrived(id, 1).await;
        site.pass(600_000).await;
        let back = site.seen(id).await.life;
        assert_eq!((back.state, back.stream, back.publish_epoch), (BroadcastState::Live, StreamState::Arriving, 2));
        assert_eq!(back.started_at, live.started_at);

        site.broadcasts.stream_interrupted(id, 2).await;
        site.pass(30_000).await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Ended);
        assert_eq!(site.broadcasts.begin_epoch(id).await, Err(PublishRefused::NotNow(WrongState::Over.to_string())));

        let facts: Vec<_> =
            site.facts(id).await.iter().map(|fact| (fact.state, fact.stream, fact.publish_epoch)).collect();
        use BroadcastState::{Ended, Live, Ready};
        use StreamState::{Absent, Arriving, Interrupted};
        let expected = [
            (Ready, Absent, 0),
            (Ready, Absent, 1),
            (Live, Arriving, 1),
            (Live, Interrupted, 1),
            (Live, Interrupted, 2),
            (Live, Arriving, 2),
            (Live, Interrupted, 2),
            (Ended, Absent, 2),
        ];
        assert_eq!(facts, expected, "{}", site.database.engine);
    }
}

#[tokio::test]
async fn a_schedule_comes_due_and_a_pause_runs_out() {
    for site in sites().await {
        let scheduled_at = Some(Timestamp::from_millis(START_MS + 60_000));
        let (broadcast, _) = site.broadcasts.create(MINA, Draft { scheduled_at, ..draft("later") }).await.unwrap();
        assert_eq!(broadcast.life.state, BroadcastState::Created);
        site.pass(59_999).await;
        assert_eq!(site.seen(broadcast.id).await.life.state, BroadcastState::Created);
        site.pass(1).await;
        assert_eq!(site.seen(broadcast.id).await.life.state, BroadcastState::Ready);

        let (mina, id) = (identity(MINA), broadcast.id);
        let paused = site.broadcasts.command(&mina, id, Command::Pause).await;
        assert!(matches!(paused, Err(Error::WrongState(WrongState::PauseBeforeLive))), "{paused:?}");
        site.broadcasts.command(&mina, id, Command::Start).await.unwrap();
        site.pass(30_000).await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Live, "no stream has come yet: no grace runs");
        site.broadcasts.command(&mina, id, Command::Pause).await.unwrap();
        assert_eq!(site.media.stage_now(id), None, "a show without a publisher has no stream anywhere");
        site.pass(30 * 60_000 - 1).await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Paused);
        site.pass(1).await;
        assert_eq!(site.seen(id).await.life.state, BroadcastState::Ended);
    }
}

#[tokio::test]
async fn only_the_host_commands_and_an_administrator_may_end() {
    for site in sites().await {
        let id = site.live().await;
        for command in [Command::Start, Command::Pause, Command::Resume, Command::End] {
            let refused = site.broadcasts.command(&identity(JUNO), id, command).await;
            assert!(matches!(refused, Err(Error::NotHost)), "{command:?}");
        }
        let refused = site.broadcasts.command(&identity(ADMIN), id, Command::Pause).await;
        assert!(matches!(refused, Err(Error::NotHost)));
        let change = Change { title: Some("mine".into()), auto_start: None };
        assert!(matches!(site.broadcasts.change(&identity(JUNO), id, change).await, Err(Error::NotHost)));
        let ended = site.broadcasts.command(&identity(ADMIN), id, Command::End).await.unwrap();
        assert_eq!(ended.life.state, BroadcastState::Ended);
    }
}

#[tokio::test]
async fn before_the_show_only_its_host_previews() {
    for site in sites().await {
        let quiet = Draft { auto_start: false, ..draft("rehearsal") };
        let (broadcast, _) = site.broadcasts.create(MINA, quiet).await.unwrap();
        let id = broadcast.id;
        let epoch = site.broadcasts.begin_epoch(id).await.unwrap();
        site.broadcasts.stream_arrived(id, epoch).await;
        assert_eq!(site.media.stage_now(id), Some(Stage::Preview));
        assert!(site.broadcasts.may_preview(Some(&identity(MINA)), id).await);
        assert!(!site.broadcasts.may_preview(Some(&identity(JUNO)), id).await);
        assert!(!site.broadcasts.may_preview(None, id).await);
        site.broadcasts.command(&identity(MINA), id, Command::Start).await.unwrap();
        assert!(!site.broadcasts.may_preview(None, id).await, "the playlist is public now; nobody needs a preview");
    }
}
