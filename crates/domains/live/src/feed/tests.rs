//! What the feed tells, and when.

use serde_json::json;

use crate::{
    broadcasts::Command,
    needs::{Total, ViewerCounts},
    testing::{MINA, draft, identity, sites},
};

fn crowd(concurrent: u64, hearts: u64) -> Total {
    Total { viewers: ViewerCounts { concurrent, unique: 9, peak: 8 }, hearts }
}

#[tokio::test]
async fn tells_the_latest_state_once_when_it_changed() {
    for site in sites().await {
        *site.crowd.running.lock().unwrap() = crowd(3, 10);
        *site.crowd.over.lock().unwrap() = crowd(0, 12);
        let id = site.live().await;
        let state = |state: &str, stream: &str, concurrent: u64, hearts: u64| {
            let viewers = json!({"concurrent": concurrent, "unique": 9, "peak": 8});
            json!({"type": "state", "state": state, "stream": stream, "viewers": viewers, "hearts": hearts,
                   "title": "first light"})
        };
        let told = |value: serde_json::Value| vec![(format!("live:{id}"), value)];

        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take(), told(state("live", "arriving", 3, 10)));
        site.clock.advance(500);
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take(), [], "nothing changed");
        for hearts in 11..40 {
            *site.crowd.running.lock().unwrap() = crowd(4, hearts);
        }
        site.broadcasts.command(&identity(MINA), id, Command::Pause).await.unwrap();
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take(), told(state("paused", "arriving", 4, 39)), "many changes, one publication");
        let present = site.feed.present_state(id).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&present).unwrap(), state("paused", "arriving", 4, 39));

        site.clock.advance(500);
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        for _ in 0..10 {
            site.feed.tell_changes().await.unwrap();
            site.clock.advance(500);
        }
        assert_eq!(site.bus.take(), told(state("ended", "absent", 0, 12)), "the end is told once in five seconds");
        *site.crowd.over.lock().unwrap() = crowd(0, 15);
        site.clock.advance(5_500);
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take(), told(state("ended", "absent", 0, 15)), "the last hearts came after the end");
    }
}

#[tokio::test]
async fn tells_a_host_who_waits_that_the_broadcast_is_ready_and_then_live() {
    for site in sites().await {
        let (broadcast, _) = site.broadcasts.create(MINA, draft("soon")).await.unwrap();
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take()[0].1["state"], json!("ready"));
        site.clock.advance(3_600_000);
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take(), []);
        let epoch = site.broadcasts.begin_epoch(broadcast.id).await.unwrap();
        site.broadcasts.stream_arrived(broadcast.id, epoch).await;
        site.feed.tell_changes().await.unwrap();
        assert_eq!(site.bus.take()[0].1["state"], json!("live"));
        assert_eq!(site.feed.present_state(kernel::BroadcastId::from_raw(5)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_state_that_the_bus_lost_is_told_again() {
    for site in sites().await {
        let id = site.live().await;
        let pass = async |ms: i64| {
            for _ in 0..ms / 500 {
                site.clock.advance(500);
                site.feed.tell_changes().await.unwrap();
            }
            let told = site.bus.take().into_iter();
            told.map(|(_, value)| value["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        site.bus.lose("live");
        assert_eq!(pass(5_000).await, [""; 0], "the first was lost");
        assert_eq!(pass(5_500).await, ["live", "live"], "and is told again every five seconds");

        site.bus.lose("ended");
        site.broadcasts.command(&identity(MINA), id, Command::End).await.unwrap();
        assert_eq!(pass(5_000).await, [""; 0], "the end was lost");
        assert_eq!(pass(55_000).await, ["ended"; 11], "for a minute it is told again");
        assert_eq!(pass(60_000).await, [""; 0], "then everybody knows");
    }
}

#[tokio::test]
async fn a_host_who_waits_is_told_once() {
    for site in sites().await {
        site.broadcasts.create(MINA, draft("soon")).await.unwrap();
        for _ in 0..60 {
            site.clock.advance(500);
            site.feed.tell_changes().await.unwrap();
        }
        assert_eq!(site.bus.take().len(), 1, "nobody watches yet");
    }
}
