//! What happens lands in the stretch of time in which it happens, at each resolution.

use engines::testing::databases;
use kernel::{BroadcastId, events::live::BroadcastState};

use crate::{
    crowd::{
        self, Crowd,
        testing::{BEGIN_MS, HERE, HOST, Site, batch, beat, session},
    },
    reports::Resolution::{self, Day, HalfMinute, Hour},
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Beginning (after [`BEGIN_MS`]), most players, watch time and hearts of each stretch.
type Series = Vec<(i64, u64, u64, u64)>;

async fn of_broadcast(crowd: &Crowd, resolution: Resolution) -> Series {
    for schedule in crowd.schedules() {
        schedule.run().await.unwrap();
    }
    let series = crowd.reports.broadcast(HOST, SHOW, resolution).await.unwrap().series;
    let stretch =
        |it: crate::reports::Stretch| (it.at.as_millis() - BEGIN_MS, it.concurrent, it.watch_time_ms, it.hearts);
    series.into_iter().map(stretch).collect()
}

async fn of_channel(crowd: &Crowd, resolution: Resolution) -> Series {
    let series = crowd.reports.channel(HOST, resolution, None, None).await.unwrap().series;
    let stretch = |it: crate::reports::ChannelStretch| {
        (it.at.as_millis() - BEGIN_MS, it.concurrent_peak, it.watch_time_ms, it.hearts)
    };
    series.into_iter().map(stretch).collect()
}

#[tokio::test]
async fn a_beat_31_s_after_the_first_is_in_the_next_30_s() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        let (one, other) = (session(&crowd, SHOW, Some(7)).await, session(&crowd, SHOW, Some(8)).await);
        let send = async |session: &str, seq, at| {
            crowd.viewers.beat(&beat(session, false), HERE).await.unwrap();
            crowd.hearts.accept(&batch(session, seq, &[at]), HERE).await.unwrap();
        };
        for (seq, wait_ms) in [0, 10_000, 10_000, 9_999].into_iter().enumerate() {
            site.clock.advance(wait_ms);
            send(&one, seq as i64, 0).await;
        }
        send(&other, 0, 0).await;
        assert_eq!(of_broadcast(&crowd, HalfMinute).await, [(0, 2, 29_999, 5)], "{}", db.engine);
        site.clock.advance(1_001);
        send(&one, 4, 31_000).await;
        let halves = [(0, 2, 29_999, 5), (30_000, 2, 1_001, 1)];
        assert_eq!(of_broadcast(&crowd, HalfMinute).await, halves, "{}", db.engine);
        assert_eq!(of_broadcast(&crowd, Hour).await, [(0, 2, 31_000, 6)], "{}: the same hour", db.engine);
    }
}

#[tokio::test]
async fn a_day_ends_between_two_hearts_and_two_beats() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        site.clock.advance(DAY_MS - 5_000);
        let mine = session(&crowd, SHOW, Some(7)).await;
        crowd.viewers.beat(&beat(&mine, false), HERE).await.unwrap();
        site.clock.advance(4_999);
        crowd.viewers.beat(&beat(&mine, false), HERE).await.unwrap();
        crowd.hearts.accept(&batch(&mine, 0, &[DAY_MS - 10]), HERE).await.unwrap();
        site.clock.advance(1);
        // Also those that are kept in one transaction are told apart, and positions in the show have no say.
        crowd.viewers.beat(&beat(&mine, false), HERE).await.unwrap();
        crowd.hearts.accept(&batch(&mine, 1, &[DAY_MS - 9, DAY_MS - 8]), HERE).await.unwrap();
        for (resolution, before) in [(Day, 0), (Hour, DAY_MS - HOUR_MS), (HalfMinute, DAY_MS - 30_000)] {
            let stretches = [(before, 1, 4_999, 1), (DAY_MS, 1, 1, 2)];
            assert_eq!(of_broadcast(&crowd, resolution).await, stretches, "{}: {resolution:?}", db.engine);
            if resolution != HalfMinute {
                assert_eq!(of_channel(&crowd, resolution).await, stretches, "{}: {resolution:?}", db.engine);
            }
        }
    }
}
