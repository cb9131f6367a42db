//! Batches count once or not at all, whatever clients, the store and the process do.

use std::collections::BTreeMap;

use engines::testing::{TestDatabase, databases};
use kernel::{BroadcastId, Problem, events::live::BroadcastState};
use ports::{sql::Row, sqlx};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Error, HeartsAnswer, Settings};
use crate::{
    crowd::{
        self, Crowd,
        testing::{BEGIN_MS, HERE, HOST, Site, batch, session},
    },
    needs::Audience,
    reports::Resolution,
};

const SHOW: BroadcastId = BroadcastId::from_raw(5);

/// What clients, the store and the process do.
#[derive(Debug, Clone)]
enum Happening {
    /// A new batch, so many numbers after the last, of so many taps.
    Next(usize, i64, usize),
    /// The last batch again, as after a lost answer.
    Again(usize),
    /// A batch before the last.
    Old(usize),
    /// A batch that breaks a rule.
    TooMany(usize),
    Impossible(usize),
    Keep,
    BreakStore,
    MendStore,
    /// The process dies and begins again.
    Die,
    /// The process ends in peace and begins again.
    Restart,
    Pass(i64),
}

const SESSIONS: usize = 4;

fn happening() -> impl Strategy<Value = Happening> {
    let who = 0..SESSIONS;
    prop_oneof![
        10 => (who.clone(), 1..4_i64, 1..20_usize).prop_map(|(who, ahead, taps)| Happening::Next(who, ahead, taps)),
        4 => who.clone().prop_map(Happening::Again),
        2 => who.clone().prop_map(Happening::Old),
        1 => who.clone().prop_map(Happening::TooMany),
        1 => who.prop_map(Happening::Impossible),
        5 => Just(Happening::Keep),
        1 => Just(Happening::BreakStore),
        2 => Just(Happening::MendStore),
        1 => Just(Happening::Die),
        1 => Just(Happening::Restart),
        3 => (1..9_000_i64).prop_map(Happening::Pass),
    ]
}

/// What must be true: per session the last number and the hearts, counted and kept.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    last_seq: BTreeMap<usize, i64>,
    hearts: BTreeMap<usize, u64>,
}

impl Model {
    fn total(&self) -> u64 {
        self.hearts.values().sum()
    }
}

struct Run<'a> {
    engine: &'static str,
    site: &'a Site,
    broadcast: BroadcastId,
    crowd: Crowd,
    sessions: Vec<String>,
    counted: Model,
    kept: Model,
    shown: u64,
    broken: bool,
}

impl<'a> Run<'a> {
    async fn begin(engine: &'static str, site: &'a Site, broadcast: BroadcastId) -> Self {
        site.world.set(broadcast, BroadcastState::Live);
        let crowd = site.start().await;
        let mut sessions = Vec::new();
        for account in 0..SESSIONS as i64 {
            // Two sessions per account.
            sessions.push(session(&crowd, broadcast, Some(1 + account / 2)).await);
        }
        let (counted, kept) = (Model::default(), Model::default());
        Self { engine, site, broadcast, crowd, sessions, counted, kept, shown: 0, broken: false }
    }

    async fn send(&self, who: usize, seq: i64, taps: &[i64]) -> Result<HeartsAnswer, Error> {
        self.crowd.hearts.accept(&batch(&self.sessions[who], seq, taps), HERE).await
    }

    async fn step(&mut self, happening: Happening) {
        let last = |model: &Model, who| model.last_seq.get(&who).copied();
        match happening {
            Happening::Next(who, ahead, taps) => {
                let seq = last(&self.counted, who).unwrap_or(-1) + ahead;
                let answer = self.send(who, seq, &vec![4_999; taps]).await.unwrap();
                self.counted.last_seq.insert(who, seq);
                *self.counted.hearts.entry(who).or_default() += taps as u64;
                assert_eq!(answer, HeartsAnswer { total: self.counted.total(), duplicate: false });
            }
            Happening::Again(who) => {
                let Some(seq) = last(&self.counted, who) else { return };
                let answer = self.send(who, seq, &[10, 20]).await.unwrap();
                assert_eq!(answer, HeartsAnswer { total: self.counted.total(), duplicate: true });
            }
            Happening::Old(who) => {
                let Some(seq) = last(&self.counted, who).filter(|seq| *seq > 0) else { return };
                assert!(matches!(self.send(who, seq - 1, &[10]).await, Err(Error::Replayed { .. })));
            }
            Happening::TooMany(who) => {
                let seq = last(&self.counted, who).unwrap_or(-1) + 1;
                assert!(matches!(self.send(who, seq, &[1; 121]).await, Err(Error::TooManyTaps { .. })));
            }
            Happening::Impossible(who) => {
                let seq = last(&self.counted, who).unwrap_or(-1) + 1;
                assert!(matches!(self.send(who, seq, &[10, -1]).await, Err(Error::ImpossiblePosition { .. })));
            }
            Happening::Keep => {
                let kept = self.crowd.hearts.keep().await;
                let nothing_to_keep = self.kept == self.counted;
                assert_eq!(kept.is_ok(), nothing_to_keep || !self.broken, "{kept:?}");
                if kept.is_ok() {
                    self.kept = self.counted.clone();
                }
            }
            Happening::BreakStore if !self.broken => self.rename("heart_timeline", "elsewhere").await,
            Happening::MendStore if self.broken => self.rename("elsewhere", "heart_timeline").await,
            Happening::BreakStore | Happening::MendStore => (),
            Happening::Die => {
                self.crowd = self.site.start().await;
                self.counted = self.kept.clone();
            }
            Happening::Restart => {
                for schedule in self.crowd.schedules() {
                    let _ = schedule.finish().await;
                }
                self.kept = if self.broken { self.kept.clone() } else { self.counted.clone() };
                self.counted = self.kept.clone();
                self.crowd = self.site.start().await;
            }
            Happening::Pass(ms) => self.site.clock.advance(ms),
        }
        let shown = self.crowd.audience.hearts(self.broadcast);
        assert_eq!(shown, self.kept.total(), "{}: what is shown is what is kept", self.engine);
        assert!(shown >= self.shown, "{}: what is shown never goes back", self.engine);
        self.shown = shown;
    }

    async fn rename(&mut self, from: &str, to: &str) {
        let mut tx = self.site.database.write().await.unwrap();
        let text = format!("ALTER TABLE {from} RENAME TO {to}");
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        self.broken = !self.broken;
    }

    /// All tables agree with the model.
    async fn end(mut self) {
        self.step(Happening::MendStore).await;
        self.step(Happening::Keep).await;
        let database = &self.site.database;
        let hearts = &self.crowd.hearts;
        let total = self.counted.total();
        assert_eq!(hearts.kept_total(self.broadcast).await.unwrap(), total, "{}", self.engine);
        let timeline = hearts.timeline(self.broadcast).await.unwrap();
        assert_eq!(timeline, if total > 0 { vec![(0, total)] } else { vec![] }, "{}", self.engine);
        let mut of_accounts = BTreeMap::<i64, u64>::new();
        for (who, hearts) in &self.counted.hearts {
            *of_accounts.entry(1 + *who as i64 / 2).or_default() += hearts;
        }
        let fans = hearts.fans(self.broadcast, 10).await.unwrap();
        assert!(fans.is_sorted_by_key(|(_, hearts)| std::cmp::Reverse(*hearts)));
        let fans: BTreeMap<i64, u64> = fans.into_iter().map(|(viewer, hearts)| (viewer.raw(), hearts)).collect();
        assert_eq!(fans, of_accounts, "{}", self.engine);
        for resolution in Resolution::ALL {
            let of_stretches = "SELECT CAST(COALESCE(SUM(hearts), 0) AS BIGINT) FROM audience_aggregates \
                                WHERE broadcast = $1 AND resolution_ms = $2";
            let row = sqlx::query(of_stretches).bind(self.broadcast.raw()).bind(resolution.millis());
            let sum: i64 = row.fetch_one(database.reader()).await.unwrap().try_get(0).unwrap();
            assert_eq!(sum.unsigned_abs(), total, "{}", self.engine);
        }
    }
}

/// The rates off, so that only the rules of counting are at work.
fn without_rates() -> crowd::Settings {
    let off = "off".parse().unwrap();
    let hearts = Settings {
        taps_per_session: off,
        taps_per_viewer: off,
        taps_per_address: off,
        behind_live_max_ms: u32::MAX,
        ..Settings::default()
    };
    crowd::Settings { hearts, ..crowd::Settings::default() }
}

#[tokio::test]
async fn every_batch_counts_once_through_resends_failures_and_restarts() {
    for db in databases(&[&crowd::migrations()]).await {
        let mut runner = TestRunner::deterministic();
        let site = Site::new(db.database, without_rates());
        for case in 0..40 {
            let happenings = proptest::collection::vec(happening(), 1..60).new_tree(&mut runner).unwrap().current();
            println!("{} {case}: {happenings:?}", db.engine);
            let mut run = Run::begin(db.engine, &site, BroadcastId::from_raw(1_000 + case)).await;
            for happening in happenings {
                run.step(happening).await;
            }
            run.end().await;
        }
    }
}

async fn site(db: TestDatabase, settings: crowd::Settings) -> (Site, Crowd, TestDatabase) {
    let site = Site::new(db.database.clone(), settings);
    site.world.set(SHOW, BroadcastState::Live);
    let crowd = site.start().await;
    (site, crowd, db)
}

fn code(result: Result<HeartsAnswer, Error>) -> (u16, &'static str) {
    let problem = Problem::from(result.unwrap_err());
    (problem.status, problem.code)
}

#[tokio::test]
async fn a_bad_batch_gets_a_clear_answer_and_counts_nothing() {
    let db = databases(&[&crowd::migrations()]).await.remove(0);
    let (site, crowd, _db) = site(db, crowd::Settings::default()).await;
    // The viewer comes half an hour into the show: ten minutes back is as far as the player goes.
    site.clock.advance(1_800_000);
    let mine = session(&crowd, SHOW, Some(7)).await;
    let send = async |body: Vec<u8>| code(crowd.hearts.accept(&body, HERE).await);
    assert_eq!(send(b"{".to_vec()).await, (422, "invalid_hearts"));
    assert_eq!(send(b"{\"session\":\"\",\"seq\":1,\"taps\":[1.5]}".to_vec()).await, (422, "invalid_hearts"));
    assert_eq!(send(batch("forged", 1, &[1_700_000])).await, (401, "bad_session"));
    assert_eq!(send(batch(&mine, 1, &[])).await, (422, "no_taps"));
    assert_eq!(send(batch(&mine, -1, &[1_700_000])).await, (422, "impossible_seq"));
    assert_eq!(send(batch(&mine, 1 << 53, &[1_700_000])).await, (422, "impossible_seq"));
    assert_eq!(send(batch(&mine, 1, &[1_700_000; 121])).await, (422, "too_many_taps"));
    for position in [-1, i64::MIN, 1_189_999, 1_810_001, i64::MAX] {
        assert_eq!(send(batch(&mine, 1, &[1_700_000, position])).await, (422, "impossible_position"), "{position}");
    }
    for state in [BroadcastState::Created, BroadcastState::Ready] {
        site.world.set(SHOW, state);
        assert_eq!(send(batch(&mine, 1, &[1_700_000])).await, (409, "broadcast_not_live"));
    }
    site.world.set(SHOW, BroadcastState::Ended);
    assert_eq!(send(batch(&mine, 1, &[1_700_000])).await, (409, "broadcast_over"));
    site.world.set(SHOW, BroadcastState::Paused);
    let answer = crowd.hearts.accept(&batch(&mine, 1, &[1_190_000, 1_810_000]), HERE).await.unwrap();
    assert_eq!(answer, HeartsAnswer { total: 2, duplicate: false });
    assert_eq!(send(batch(&mine, 0, &[1_700_000])).await, (409, "replayed_batch"));
    site.clock.advance(24 * 3_600_000);
    assert_eq!(send(batch(&mine, 2, &[1_700_000])).await, (401, "bad_session"));
    crowd.hearts.keep().await.unwrap();
    assert_eq!(crowd.audience.hearts(SHOW), 2);
}

#[tokio::test]
async fn nobody_taps_faster_than_a_person() {
    let db = databases(&[&crowd::migrations()]).await.remove(0);
    let mut settings = crowd::Settings::default();
    settings.hearts.taps_per_address = "480/10s".parse().unwrap();
    let (site, crowd, _db) = site(db, settings).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(session(&crowd, SHOW, Some(7)).await);
    }
    let send = async |session: &str, seq, taps| crowd.hearts.accept(&batch(session, seq, &vec![100; taps]), HERE).await;
    let refused_by = |result: Result<_, Error>| match result {
        Err(Error::TooFast { setting, too_often }) => (setting, too_often.retry_after_ms),
        other => panic!("{other:?}"),
    };
    send(&sessions[0], 1, 120).await.unwrap();
    assert_eq!(refused_by(send(&sessions[0], 2, 1).await), ("taps_per_session", 84));
    send(&sessions[1], 1, 120).await.unwrap();
    assert_eq!(refused_by(send(&sessions[2], 1, 1).await).0, "taps_per_viewer");
    // Twelve a second, sustained: 36 in three seconds, and not one more.
    for seq in 2..20 {
        site.clock.advance(3_000);
        assert_eq!(refused_by(send(&sessions[0], seq, 37).await).0, "taps_per_session");
        send(&sessions[0], seq, 36).await.unwrap();
    }
    // The refused batches took nothing from what others at the address may send.
    let other = session(&crowd, SHOW, Some(8)).await;
    send(&other, 1, 120).await.unwrap();
    let another = session(&crowd, SHOW, Some(9)).await;
    send(&another, 1, 120).await.unwrap();
    let yet_another = session(&crowd, SHOW, None).await;
    send(&yet_another, 1, 120).await.unwrap();
    let last = session(&crowd, SHOW, None).await;
    assert_eq!(refused_by(send(&last, 1, 120).await).0, "taps_per_address");
    assert_eq!(send(&last, 1, 1).await.unwrap().total, 240 + 18 * 36 + 360 + 1);
}

#[tokio::test]
async fn a_show_that_ends_is_kept_and_let_go() {
    for db in databases(&[&crowd::migrations()]).await {
        let (site, crowd, db) = site(db, crowd::Settings::default()).await;
        let mine = session(&crowd, SHOW, None).await;
        crowd.hearts.accept(&batch(&mine, 1, &[1, 2, 3]), HERE).await.unwrap();
        assert_eq!(crowd.audience.hearts(SHOW), 0, "{}: shown when kept", db.engine);
        site.world.set(SHOW, BroadcastState::Ended);
        for schedule in crowd.schedules() {
            schedule.run().await.unwrap();
        }
        assert_eq!(crowd.hearts.kept_total(SHOW).await.unwrap(), 3, "{}", db.engine);
        assert_eq!(crowd.audience.hearts(SHOW), 0, "{}: it has left the memory", db.engine);
        let again = site.start().await;
        assert_eq!(again.audience.hearts(SHOW), 0, "{}: and does not come back", db.engine);
        // What is kept about a session goes when it expires.
        let sessions = "SELECT COUNT(*) FROM heart_sessions";
        let count: i64 = sqlx::query_scalar(sessions).fetch_one(site.database.reader()).await.unwrap();
        assert_eq!(count, 1, "{}", db.engine);
        site.clock.advance(25 * 3_600_000);
        again.hearts.tidy().await.unwrap();
        let count: i64 = sqlx::query_scalar(sessions).fetch_one(site.database.reader()).await.unwrap();
        assert_eq!(count, 0, "{}", db.engine);
    }
}

#[tokio::test]
async fn limits_of_memory_name_themselves_and_lose_nothing() {
    let db = databases(&[&crowd::migrations()]).await.remove(0);
    let mut settings = crowd::Settings::default();
    settings.hearts.sessions_per_broadcast_max = 3;
    settings.hearts.unsaved_sessions_max = 2;
    let (site, crowd, _db) = site(db, settings).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(session(&crowd, SHOW, None).await);
    }
    let send = async |who: usize, seq| crowd.hearts.accept(&batch(&sessions[who], seq, &[1]), HERE).await;
    let full = |result: Result<HeartsAnswer, Error>| match result {
        Err(Error::Full { setting, .. }) => setting,
        other => panic!("{other:?}"),
    };
    send(0, 1).await.unwrap();
    send(1, 1).await.unwrap();
    assert_eq!(full(send(2, 1).await), "unsaved_sessions_max");
    send(1, 2).await.unwrap();
    crowd.hearts.keep().await.unwrap();
    send(2, 1).await.unwrap();
    crowd.hearts.keep().await.unwrap();
    assert_eq!(full(send(3, 1).await), "sessions_per_broadcast_max");
    // Idle sessions make room, and are still known when they come back.
    site.clock.advance(600_000);
    crowd.hearts.tidy().await.unwrap();
    send(3, 1).await.unwrap();
    assert_eq!(send(1, 2).await.unwrap(), HeartsAnswer { total: 5, duplicate: true });
}

#[tokio::test]
async fn batches_at_the_same_time_count_once_each() {
    let db = databases(&[&crowd::migrations()]).await.remove(0);
    let (_site, crowd, _db) = site(db, without_rates()).await;
    let crowd = std::sync::Arc::new(crowd);
    let mut clients = tokio::task::JoinSet::new();
    for account in 1..=8 {
        let session = session(&crowd, SHOW, Some(account)).await;
        let crowd = crowd.clone();
        clients.spawn(async move {
            for seq in 1..=50 {
                // Each batch twice at once: one of the two counts.
                let body = batch(&session, seq, &[10, 20]);
                let (one, other) = tokio::join!(crowd.hearts.accept(&body, HERE), crowd.hearts.accept(&body, HERE));
                assert!(one.unwrap().duplicate != other.unwrap().duplicate);
                if seq % 10 == 0 {
                    crowd.hearts.keep().await.unwrap();
                }
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    crowd.hearts.keep().await.unwrap();
    assert_eq!(crowd.audience.hearts(SHOW), 8 * 50 * 2);
    let show = crowd.reports.broadcast(HOST, SHOW, Resolution::Day).await.unwrap();
    assert_eq!(show.series[0].hearts, 800);
    assert_eq!(show.series[0].at.as_millis(), BEGIN_MS);
}
