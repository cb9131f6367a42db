//! Taking batches, telling totals, and keeping hearts.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use kernel::{AccountId, BroadcastId, Clock, PlaybackId, Timestamp, caller::network};
use ports::sql::{Database, SqlError};

use super::{
    Batch, Error, HeartsAnswer, Settings, batch,
    giver::Giver,
    store,
    sums::Counted,
    tally::{Paces, Tally},
};
use crate::{group_store::Groups, needs::Shows, playbacks::Sessions};

/// How often idle and expired sessions are forgotten, in milliseconds: it looks at all of them.
const FORGET_EVERY_MS: i64 = 60_000;

/// The hearts of all shows of this process.
pub struct Hearts {
    clock: Arc<dyn Clock>,
    database: Database,
    settings: Settings,
    sessions: Arc<Sessions>,
    shows: Arc<dyn Shows>,
    paces: Paces,
    tallies: RwLock<HashMap<BroadcastId, Arc<Mutex<Open>>>>,
    // Opening reads the store; one at a time, so that a broadcast is opened once.
    opening: tokio::sync::Mutex<()>,
    keeping: tokio::sync::Mutex<Keeping>,
    groups: Groups,
}

/// One broadcast's tally. Once closed it is no longer in the map, and a batch that still holds it looks again.
#[derive(Debug)]
struct Open {
    tally: Tally,
    host: Option<AccountId>,
    closed: bool,
}

/// The group on its way to the store: what failed is tried again as it was, under its number.
#[derive(Debug, Default)]
struct Keeping {
    number: i64,
    group: Vec<(BroadcastId, AccountId, Vec<Counted>)>,
    forgot_at: Timestamp,
}

impl std::fmt::Debug for Hearts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hearts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Hearts {
    /// The hearts as they were kept; `writer` names this process and is never used again.
    pub async fn open(
        clock: Arc<dyn Clock>,
        database: Database,
        writer: i64,
        settings: Settings,
        sessions: Arc<Sessions>,
        shows: Arc<dyn Shows>,
    ) -> Result<Self, SqlError> {
        let groups = Groups::open(database.clone(), writer, "hearts", clock.now()).await?;
        let running = store::running(&database).await?;
        let tallies = running.into_iter().map(|(broadcast, kept)| (broadcast, open(broadcast, kept))).collect();
        Ok(Self {
            clock,
            database,
            paces: Paces::new(&settings),
            settings,
            sessions,
            shows,
            tallies: RwLock::new(tallies),
            opening: tokio::sync::Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
            groups,
        })
    }

    /// Takes a batch: the body of `POST /api/v1/hearts`, from a client at `address`.
    ///
    /// Touches no store, but for the first batch of a session.
    pub async fn accept(&self, body: &[u8], address: IpAddr) -> Result<HeartsAnswer, Error> {
        let batch: Batch<'_> = serde_json::from_slice(body).map_err(|error| Error::InvalidBody(error.to_string()))?;
        let now = self.clock.now();
        let giver = Giver::of(self.sessions.read(&batch.session, now)?)?;
        let session = &giver.session;
        batch.check(&self.settings)?;
        let show = self.shows.show(session.broadcast).await?.ok_or(Error::NoBroadcast)?;
        batch::check_on(&show, now)?;
        batch.check_positions(session, &show, &self.settings, now)?;
        loop {
            let tally = match self.tally(session.broadcast) {
                Some(tally) => tally,
                None => self.open_tally(session.broadcast).await?,
            };
            if let Some(answer) = self.count(&tally, show.host, &giver, &batch, address, now) {
                return answer;
            }
            self.introduce(&tally, session.playback, now).await?;
        }
    }

    /// `None`: the tally has been closed meanwhile, or does not know the session yet.
    fn count(
        &self,
        tally: &Mutex<Open>,
        host: AccountId,
        giver: &Giver,
        batch: &Batch<'_>,
        address: IpAddr,
        now: Timestamp,
    ) -> Option<Result<HeartsAnswer, Error>> {
        let mut open = lock(tally);
        if open.closed {
            return None;
        }
        open.host = Some(host);
        // A stranger: its last kept batch must be read first.
        open.tally.count(giver, batch, network(address), &self.settings, &self.paces, now).ok()
    }

    async fn introduce(&self, tally: &Mutex<Open>, playback: PlaybackId, now: Timestamp) -> Result<(), Error> {
        let last_seq = store::last_seq(&self.database, playback).await?;
        lock(tally).tally.introduce(playback, last_seq, &self.settings, now)
    }

    /// Hearts everybody is shown: those that are kept. 0 for a show that is over and closed (see [`store::totals`]).
    pub fn total(&self, broadcast: BroadcastId) -> u64 {
        self.tally(broadcast).map_or(0, |tally| lock(&tally).tally.kept)
    }

    /// The shows of which something is in memory.
    pub(crate) fn shows(&self) -> Vec<BroadcastId> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Hearts of a show that this process has taken and not kept yet, and those that are kept, as it knows.
    pub(crate) fn given(&self, broadcast: BroadcastId) -> (u64, u64) {
        self.tally(broadcast).map_or((0, 0), |tally| lock(&tally).tally.given())
    }

    /// Takes in what other processes have taken and not kept yet, and how many are kept of all.
    pub(crate) fn hear(&self, broadcast: BroadcastId, elsewhere: u64, kept: u64) {
        if let Some(tally) = self.tally(broadcast) {
            lock(&tally).tally.hear(elsewhere, kept);
        }
    }

    /// Keeps what came since the last time. What fails stays in memory and is tried again.
    pub async fn keep(&self) -> Result<(), SqlError> {
        let mut keeping = self.keeping.lock().await;
        if !keeping.group.is_empty() {
            self.write(&mut keeping).await?;
        }
        keeping.group = self.take_unsaved();
        if !keeping.group.is_empty() {
            keeping.number += 1;
            self.write(&mut keeping).await?;
        }
        Ok(())
    }

    fn take_unsaved(&self) -> Vec<(BroadcastId, AccountId, Vec<Counted>)> {
        let mut group = Vec::new();
        for tally in self.all() {
            let mut open = lock(&tally);
            let Some(host) = open.host else { continue };
            let broadcast = open.tally.broadcast;
            let batches = open.tally.take_unsaved();
            if !batches.is_empty() {
                group.push((broadcast, host, batches));
            }
        }
        // Hearts and viewers both add to the aggregates of several broadcasts: in one order, or PostgreSQL sees a deadlock.
        group.sort_by_key(|(broadcast, ..)| *broadcast);
        group
    }

    async fn write(&self, keeping: &mut Keeping) -> Result<(), SqlError> {
        let kept: HashMap<BroadcastId, u64> = match self.groups.begin(keeping.number, self.clock.now()).await? {
            Some(mut tx) => {
                let (mut kept, mut added) = (HashMap::new(), 0);
                for (broadcast, host, batches) in &keeping.group {
                    let of_show = store::add(&mut tx, *broadcast, *host, batches).await?;
                    kept.insert(*broadcast, of_show.total);
                    added += of_show.added;
                }
                tx.commit().await?;
                metrics::counter!("madang_hearts_total").increment(added);
                kept
            }
            // It is kept: the try before lost nothing but the answer.
            None => {
                let broadcasts: Vec<BroadcastId> = keeping.group.iter().map(|(broadcast, ..)| *broadcast).collect();
                store::totals(&self.database, &broadcasts).await?
            }
        };
        for (broadcast, _, batches) in keeping.group.drain(..) {
            let hearts = batches.iter().map(|batch| batch.hearts).sum();
            if let Some(tally) = self.tally(broadcast) {
                lock(&tally).tally.settle(hearts, kept.get(&broadcast).copied().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Lets go of shows that take no more hearts and are wholly kept, and of sessions that are idle or expired.
    pub async fn tidy(&self) -> Result<(), Error> {
        let (mut over, now) = (Vec::new(), self.clock.now());
        for tally in self.all() {
            let broadcast = lock(&tally).tally.broadcast;
            let show = self.shows.show(broadcast).await?;
            if show.is_none_or(|show| batch::takes_no_more(&show, now)) && self.close_if_settled(broadcast) {
                over.push(broadcast);
            }
        }
        if !over.is_empty() {
            over.sort_unstable();
            store::close(&self.database, &over).await?;
        }
        Ok(self.forget_sessions().await?)
    }

    async fn forget_sessions(&self) -> Result<(), SqlError> {
        let now = self.clock.now();
        let mut keeping = self.keeping.lock().await;
        if now.millis_since(keeping.forgot_at) < FORGET_EVERY_MS || !keeping.group.is_empty() {
            return Ok(());
        }
        for tally in self.all() {
            lock(&tally).tally.forget_idle(now);
        }
        store::drop_expired_sessions(&self.database, now).await?;
        keeping.forgot_at = now;
        Ok(())
    }

    fn close_if_settled(&self, broadcast: BroadcastId) -> bool {
        let mut tallies = self.tallies.write().unwrap_or_else(PoisonError::into_inner);
        let Some(tally) = tallies.get(&broadcast).cloned() else { return false };
        let mut open = lock(&tally);
        if open.tally.is_settled() {
            open.closed = true;
            tallies.remove(&broadcast);
        }
        open.closed
    }

    fn tally(&self, broadcast: BroadcastId) -> Option<Arc<Mutex<Open>>> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner).get(&broadcast).cloned()
    }

    fn all(&self) -> Vec<Arc<Mutex<Open>>> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    async fn open_tally(&self, broadcast: BroadcastId) -> Result<Arc<Mutex<Open>>, SqlError> {
        let _opening = self.opening.lock().await;
        if let Some(tally) = self.tally(broadcast) {
            return Ok(tally);
        }
        let kept = store::totals(&self.database, &[broadcast]).await?.remove(&broadcast).unwrap_or_default();
        let tally = open(broadcast, kept);
        self.tallies.write().unwrap_or_else(PoisonError::into_inner).insert(broadcast, tally.clone());
        Ok(tally)
    }
}

fn open(broadcast: BroadcastId, kept: u64) -> Arc<Mutex<Open>> {
    Arc::new(Mutex::new(Open { tally: Tally::restored(broadcast, kept), host: None, closed: false }))
}

fn lock(tally: &Mutex<Open>) -> MutexGuard<'_, Open> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
