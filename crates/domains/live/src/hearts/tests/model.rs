//! Against a simple model: resends, batches that break rules, a store that fails, processes that die.

use std::collections::BTreeMap;

use engines::testing::databases;
use kernel::{BroadcastId, events::live::BroadcastState};
use ports::{sql::Row, sqlx};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::without_rates;
use crate::{
    crowd::{
        self,
        testing::{HERE, Process, Site, batch, session},
    },
    hearts::{Error, HeartsAnswer},
    reports::Resolution,
};

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
    crowd: Process,
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
        let shown = self.crowd.hearts.total(self.broadcast);
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
        let hearts = &self.crowd.kept_hearts;
        let total = self.counted.total();
        assert_eq!(hearts.total(self.broadcast).await.unwrap(), total, "{}", self.engine);
        let timeline = hearts.timeline(self.broadcast).await.unwrap();
        assert_eq!(timeline, if total > 0 { vec![(0, total)] } else { vec![] }, "{}", self.engine);
        let mut of_accounts = BTreeMap::<i64, u64>::new();
        for (who, hearts) in &self.counted.hearts {
            *of_accounts.entry(1 + *who as i64 / 2).or_default() += hearts;
        }
        let fans = hearts.fans(self.broadcast, 10).await.unwrap();
        assert!(fans.is_sorted_by_key(|(_, hearts)| std::cmp::Reverse(*hearts)));
        let fans: BTreeMap<i64, u64> = fans.into_iter().map(|(account, hearts)| (account.raw(), hearts)).collect();
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
