//! Two who want different things at once.

use kernel::events::live::{BroadcastState, StreamState};

use crate::{
    broadcasts::{Command, Draft},
    needs::Stage,
    testing::{MINA, draft, identity, sites},
};

#[tokio::test]
async fn of_many_starts_one_begins_the_show() {
    for site in sites().await {
        let quiet = Draft { auto_start: false, ..draft("all at once") };
        let (broadcast, _) = site.broadcasts.create(MINA, quiet).await.unwrap();
        let starts = (0..8).map(|_| {
            let broadcasts = site.broadcasts.clone();
            tokio::spawn(async move { broadcasts.command(&identity(MINA), broadcast.id, Command::Start).await })
        });
        for start in starts.collect::<Vec<_>>() {
            assert_eq!(start.await.unwrap().unwrap().life.state, BroadcastState::Live);
        }
        let facts = site.facts(broadcast.id).await;
        let begun = facts.iter().filter(|fact| fact.state == BroadcastState::Live).count();
        assert_eq!((begun, facts.len()), (1, 2), "{}", site.database.engine);
    }
}

#[tokio::test]
async fn epochs_begun_at_once_are_all_different() {
    for site in sites().await {
        let (broadcast, _) = site.broadcasts.create(MINA, draft("one of us")).await.unwrap();
        let begins = (0..6).map(|_| {
            let broadcasts = site.broadcasts.clone();
            tokio::spawn(async move { broadcasts.begin_epoch(broadcast.id).await.unwrap() })
        });
        let mut epochs = Vec::new();
        for begin in begins.collect::<Vec<_>>() {
            epochs.push(begin.await.unwrap());
        }
        epochs.sort_unstable();
        assert_eq!(epochs, [1, 2, 3, 4, 5, 6], "{}", site.database.engine);
    }
}

#[tokio::test]
async fn an_end_against_an_arrival_leaves_the_show_over_and_media_at_its_end() {
    for site in sites().await {
        for _ in 0..5 {
            let (broadcast, _) = site.broadcasts.create(MINA, draft("at the same moment")).await.unwrap();
            let id = broadcast.id;
            let epoch = site.broadcasts.begin_epoch(id).await.unwrap();
            let arrival = tokio::spawn({
                let broadcasts = site.broadcasts.clone();
                async move { broadcasts.stream_arrived(id, epoch).await }
            });
            let end = tokio::spawn({
                let broadcasts = site.broadcasts.clone();
                async move { broadcasts.command(&identity(MINA), id, Command::End).await.unwrap() }
            });
            arrival.await.unwrap();
            assert_eq!(end.await.unwrap().life.state, BroadcastState::Ended);
            let over = site.seen(id).await.life;
            assert_eq!((over.state, over.stream), (BroadcastState::Ended, StreamState::Absent));
            assert_eq!(site.media.stage_now(id), Some(Stage::Ended), "{}", site.database.engine);
            assert_eq!(site.facts(id).await.last().unwrap().state, BroadcastState::Ended);
        }
    }
}
