//! The count of viewers is that of a simple model, whatever beats do; and what is kept survives a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use engines::testing::databases;
use kernel::{BroadcastId, Clock, PlaybackId, Timestamp, events::live::BroadcastState};
use proptest::prelude::*;

use super::{
    Beat, Error,
    attendance::{Attendance, Heard, LEASE_MS, LEFT_REMEMBERED_MS},
    places::Places,
};
use crate::{
    crowd::{
        self,
        testing::{BEGIN_MS, HERE, Site, beat, session},
    },
    playbacks::{Session, Viewer},
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

/// What happens: beats arrive, in whatever order and however often, sessions leave, time passes (also backwards).
#[derive(Debug, Clone)]
enum Happening {
    Beat(u8),
    Leave(u8),
    Pass(i64),
    Look,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (0..8_u8).prop_map(Happening::Beat),
        1 => (0..8_u8).prop_map(Happening::Leave),
        6 => prop_oneof![Just(0), Just(1), 1..7_000_i64, Just(LEASE_MS - 1), Just(LEASE_MS), 11_900..12_100_i64]
            .prop_map(Happening::Pass),
        1 => (-3_000..0_i64).prop_map(Happening::Pass),
        1 => Just(Happening::Pass(LEFT_REMEMBERED_MS)),
        2 => Just(Happening::Look),
    ]
}

/// The same, told simply: when each session was last heard, and which have left.
#[derive(Default)]
struct Model {
    now: i64,
    heard: BTreeMap<u8, i64>,
    left: BTreeMap<u8, i64>,
    seen: BTreeSet<u8>,
    peak: u64,
    watched_ms: u64,
}

impl Model {
    fn at(&mut self, clock: i64) {
        self.now = self.now.max(clock);
        let now = self.now;
        self.heard.retain(|_, heard| now - *heard < LEASE_MS);
        self.left.retain(|_, left| now - *left < LEFT_REMEMBERED_MS);
    }

    /// Whether the beat is taken.
    fn beat(&mut self, player: u8, leaving: bool) -> bool {
        if self.left.contains_key(&player) {
            return leaving;
        }
        let before = if leaving { self.heard.remove(&player) } else { self.heard.insert(player, self.now) };
        self.watched_ms += before.map_or(0, |before| (self.now - before) as u64);
        if leaving {
            self.left.insert(player, self.now);
        } else {
            self.seen.insert(player / 2);
            self.peak = self.peak.max(self.heard.len() as u64);
        }
        true
    }
}

/// Two sessions per viewer, four addresses.
fn player(number: u8) -> (Session, IpAddr) {
    let session = Session {
        playback: PlaybackId::from_raw(100 + i64::from(number)),
        broadcast: SHOW,
        viewer: Viewer::from_raw(1 + i64::from(number / 2)),
        issued_at: Timestamp::from_millis(0),
        expires_at: Timestamp::from_millis(i64::MAX),
    };
    (session, IpAddr::V4(Ipv4Addr::new(192, 0, 2, number % 4)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn concurrent_is_the_number_of_leases_that_have_not_run_out(
        happenings in proptest::collection::vec(happening(), 1..120)
    ) {
        let places = Places::new(0, 1_000);
        let (mut attendance, mut model, mut clock) = (Attendance::default(), Model::default(), BEGIN_MS);
        let (mut kept_watch_ms, mut kept_peak, mut kept_viewers) = (0, 0, 0);
        for happening in happenings {
            match happening {
                Happening::Pass(ms) => clock += ms,
                Happening::Look => {
                    let unsaved = attendance.take_unsaved();
                    let of_moments: u64 = unsaved.moments.values().map(|moment| moment.watch_time_ms).sum();
                    prop_assert_eq!(of_moments, unsaved.watch_time_ms);
                    kept_watch_ms += unsaved.watch_time_ms;
                    kept_peak = kept_peak.max(unsaved.peak);
                    kept_viewers += unsaved.viewers.len();
                }
                Happening::Beat(number) | Happening::Leave(number) => {
                    model.at(clock);
                    let leaving = matches!(happening, Happening::Leave(_));
                    let taken = model.beat(number, leaving);
                    let (session, address) = player(number);
                    let beat = Beat { session: String::new(), position_ms: None, leaving, stalls: 0, bitrate: None };
                    let at = Timestamp::from_millis(clock);
                    let heard = Heard { session: &session, beat: &beat, behind_live_ms: None, address, at };
                    let result = attendance.beat(&heard, 100, &places);
                    prop_assert_eq!(result.is_ok(), taken);
                }
            }
            model.at(clock);
            let counts = attendance.counts(Timestamp::from_millis(clock), &places);
            prop_assert_eq!(counts.concurrent, model.heard.len() as u64);
            prop_assert_eq!(counts.unique, model.seen.len() as u64);
            prop_assert_eq!(counts.peak, model.peak);
            for address in 0..4_u8 {
                let there = model.heard.keys().filter(|number| *number % 4 == address).count();
                prop_assert_eq!(places.taken_by(IpAddr::V4(Ipv4Addr::new(192, 0, 2, address))), there as u32);
            }
        }
        let unsaved = attendance.take_unsaved();
        prop_assert_eq!(kept_watch_ms + unsaved.watch_time_ms, model.watched_ms);
        prop_assert_eq!(kept_peak.max(unsaved.peak), model.peak);
        prop_assert_eq!(kept_viewers + unsaved.viewers.len(), model.seen.len());
    }
}

#[tokio::test]
async fn five_players_show_five_and_four_soon_after_one_is_gone() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        let mut sessions = Vec::new();
        for _ in 0..5 {
            sessions.push(session(&crowd, SHOW, None).await);
        }
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 0, "a session counts from its first beat on");
        for second in 0..60 {
            for session in sessions.iter().filter(|_| second % 5 == 0) {
                crowd.viewers.beat(&beat(session, false), HERE).await.unwrap();
            }
            assert_eq!(crowd.viewers.counts(SHOW).concurrent, 5, "after {second} s");
            site.clock.advance(1_000);
        }
        for second in 0..15 {
            for session in sessions[1..].iter().filter(|_| second % 5 == 0) {
                crowd.viewers.beat(&beat(session, false), HERE).await.unwrap();
            }
            site.clock.advance(1_000);
        }
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 4, "one has closed its laptop");
        crowd.viewers.beat(&beat(&sessions[1], true), HERE).await.unwrap();
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 3, "one has closed the page");
        let late = crowd.viewers.beat(&beat(&sessions[1], false), HERE).await;
        assert!(matches!(late, Err(Error::Left)));
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 3);
        assert_eq!((crowd.viewers.counts(SHOW).unique, crowd.viewers.counts(SHOW).peak), (5, 5));
    }
}

#[tokio::test]
async fn unique_peak_and_watch_time_survive_a_restart_and_leases_come_back_with_beats() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Paused);
        let before = site.start().await;
        // One account on two devices, and a browser.
        let sessions = [
            session(&before, SHOW, Some(7)).await,
            session(&before, SHOW, Some(7)).await,
            session(&before, SHOW, None).await,
        ];
        for _ in 0..3 {
            for session in &sessions {
                before.viewers.beat(&beat(session, false), HERE).await.unwrap();
            }
            site.clock.advance(5_000);
        }
        before.viewers.keep().await.unwrap();

        let after = site.start().await;
        let counts = after.viewers.counts(SHOW);
        assert_eq!((counts.concurrent, counts.unique, counts.peak), (0, 2, 3), "{}", db.engine);
        after.viewers.beat(&beat(&sessions[0], false), HERE).await.unwrap();
        let counts = after.viewers.counts(SHOW);
        assert_eq!((counts.concurrent, counts.unique, counts.peak), (1, 2, 3), "{}", db.engine);
        site.clock.advance(5_000);
        after.viewers.beat(&beat(&sessions[0], true), HERE).await.unwrap();
        after.viewers.keep().await.unwrap();
        let watched = super::watch_time(&site.database, SHOW).await.unwrap();
        assert_eq!(watched, 3 * 10_000 + 5_000, "{}", db.engine);
    }
}

#[tokio::test]
async fn only_shows_that_are_on_have_viewers_and_those_that_end_are_let_go() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        let crowd = site.start().await;
        site.world.set(SHOW, BroadcastState::Ready);
        let session = session(&crowd, SHOW, None).await;
        crowd.viewers.beat(&beat(&session, false), HERE).await.unwrap();
        assert_eq!(crowd.viewers.counts(SHOW).unique, 0);
        site.world.set(SHOW, BroadcastState::Live);
        crowd.viewers.beat(&beat(&session, false), HERE).await.unwrap();
        site.world.set(SHOW, BroadcastState::Ended);
        for schedule in crowd.schedules() {
            schedule.run().await.unwrap();
        }
        crowd.viewers.beat(&beat(&session, false), HERE).await.unwrap();
        assert_eq!(crowd.viewers.counts(SHOW).concurrent, 0, "{}", db.engine);
        assert!(crowd.viewers.latest(SHOW).is_none(), "{}: it is no longer in memory", db.engine);
        let totals = super::totals(&site.database, &[SHOW]).await.unwrap();
        assert_eq!(totals[&SHOW].peak, 1, "{}", db.engine);
        assert!(site.start().await.viewers.latest(SHOW).is_none(), "{}: nor after a restart", db.engine);
    }
}

#[tokio::test]
async fn a_store_that_fails_delays_what_is_kept() {
    for db in databases(&[&crowd::migrations()]).await {
        let site = Site::new(db.database, crowd::Settings::default());
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        let first = session(&crowd, SHOW, None).await;
        crowd.viewers.beat(&beat(&first, false), HERE).await.unwrap();
        rename(&site, "viewers_seen", "elsewhere").await;
        crowd.viewers.keep().await.unwrap_err();
        let second = session(&crowd, SHOW, None).await;
        crowd.viewers.beat(&beat(&second, false), HERE).await.unwrap();
        crowd.viewers.keep().await.unwrap_err();
        rename(&site, "elsewhere", "viewers_seen").await;
        crowd.viewers.keep().await.unwrap();
        let totals = super::totals(&site.database, &[SHOW]).await.unwrap();
        assert_eq!((totals[&SHOW].unique, totals[&SHOW].peak), (2, 2), "{}", db.engine);
    }
}

async fn rename(site: &Site, from: &str, to: &str) {
    let text = format!("ALTER TABLE {from} RENAME TO {to}");
    let mut tx = site.database.write().await.unwrap();
    ports::sqlx::query(ports::sqlx::AssertSqlSafe(text)).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn limits_name_themselves_and_health_is_what_players_say() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut settings = crowd::Settings::default();
        settings.viewers.players_per_broadcast_max = 3;
        let site = Site::new(db.database, settings);
        site.world.set(SHOW, BroadcastState::Live);
        let crowd = site.start().await;
        site.clock.advance(30_000);
        let edge_ms = site.clock.now().as_millis() - BEGIN_MS;
        for (stalls, bitrate, behind_ms) in [(1, 1_000, 2_000), (2, 3_000, 1_500), (0, 2_000, -60_000)] {
            let session = session(&crowd, SHOW, None).await;
            let position_ms = edge_ms - behind_ms;
            let body = serde_json::json!({
                "session": session, "position_ms": position_ms, "stalls": stalls, "bitrate": bitrate
            });
            crowd.viewers.beat(body.to_string().as_bytes(), HERE).await.unwrap();
        }
        let health = crowd.viewers.players(SHOW);
        assert_eq!((health.sessions, health.stalls_per_minute, health.bitrate_bps), (3, 3.0, Some(2_000)));
        assert_eq!(health.behind_live_ms, Some(2_000), "of the two that can be");
        let fourth = session(&crowd, SHOW, None).await;
        let refused = crowd.viewers.beat(&beat(&fourth, false), HERE).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("players_per_broadcast_max allows 3")));
        site.clock.advance(61_000);
        let health = crowd.viewers.players(SHOW);
        assert_eq!((health.sessions, health.stalls_per_minute, health.bitrate_bps), (0, 0.0, None));
        for bad in ["", "{}", "[]", r#"{"session": "x", "stalls": -1}"#, r#"{"session": "x", "stalls": 1001}"#] {
            assert!(matches!(crowd.viewers.beat(bad.as_bytes(), HERE).await, Err(Error::InvalidBody(_))), "{bad}");
        }
    }
}
