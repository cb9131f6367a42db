//! Media, people, the crowd and the bus, as far as these slices need them.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{AccountId, BroadcastId};
use ports::bus::{Bus, BusError, Listener, Movement, Publication};

use super::{ADMIN, JUNO, MINA};
use crate::needs::{
    Audience, Name, Names, NeedError, OwnStreams, PlayerHealth, Recordings, Stage, StreamNow, Take, Total, Totals,
};

pub(super) fn handle(account: AccountId) -> String {
    let known = [(MINA, "mina"), (JUNO, "juno"), (ADMIN, "admin")];
    known.iter().find(|(each, _)| *each == account).unwrap().1.to_owned()
}

/// Three people.
pub(crate) struct People;

#[async_trait]
impl Names for People {
    async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, Name>, NeedError> {
        let name = |account: &AccountId| {
            let handle = handle(*account);
            (*account, Name { display_name: format!("{handle} 님"), handle })
        };
        Ok(accounts.iter().map(name).collect())
    }

    async fn by_handle(&self, wanted: &str) -> Result<Option<AccountId>, NeedError> {
        Ok([MINA, JUNO, ADMIN].into_iter().find(|account| handle(*account) == wanted))
    }
}

/// The streams of a process, and the recordings of the site.
#[derive(Default)]
pub(crate) struct Streams {
    owner: &'static str,
    /// Where each was, the latest last.
    pub(crate) stages: Mutex<HashMap<BroadcastId, Vec<Stage>>>,
    pub(crate) now: Mutex<HashMap<BroadcastId, StreamNow>>,
    /// What it goes on from.
    pub(crate) takes: Mutex<HashMap<BroadcastId, Take>>,
    pub(crate) sealing: Mutex<HashSet<BroadcastId>>,
    pub(crate) disconnected: Mutex<HashSet<BroadcastId>>,
    pub(crate) forgotten: Mutex<HashSet<BroadcastId>>,
    pub(crate) blobs: Arc<Blobs>,
}

/// What several processes share.
#[derive(Default)]
pub(crate) struct Blobs {
    pub(crate) replays: Mutex<HashSet<BroadcastId>>,
    pub(crate) marks: Mutex<HashSet<String>>,
    /// Whether nobody can tell what recordings there are.
    pub(crate) unreadable: AtomicBool,
}

impl Streams {
    /// Those of a spool of this name, among these blobs.
    pub(crate) fn of(owner: &'static str, blobs: Arc<Blobs>) -> Self {
        Self { owner, blobs, ..Self::default() }
    }

    /// The stage of a stream that is here.
    pub(crate) fn stage_now(&self, broadcast: BroadcastId) -> Option<Stage> {
        self.stages.lock().unwrap().get(&broadcast).and_then(|told| told.last().copied())
    }

    /// What the next process finds in the same spool.
    pub(crate) fn restored(&self) -> Self {
        let stages = self.stages.lock().unwrap();
        let on_air = stages.iter().filter_map(|(broadcast, told)| {
            let live = told.iter().find(|stage| matches!(stage, Stage::Live { .. }))?;
            (told.last() != Some(&Stage::Ended)).then_some((*broadcast, vec![*live]))
        });
        let sealing = self.sealing.lock().unwrap().clone();
        Self {
            stages: Mutex::new(on_air.collect()),
            sealing: Mutex::new(sealing),
            ..Self::of(self.owner, self.blobs.clone())
        }
    }

    /// A publisher is there, or was.
    pub(crate) fn publishes(&self, broadcast: BroadcastId, publish_epoch: i64, connected: bool) {
        let health = serde_json::json!({"connected": connected, "publish_epoch": publish_epoch, "warnings": []});
        let take = self.takes.lock().unwrap().get(&broadcast).copied().unwrap_or_default();
        let now = StreamNow { take, publish_epoch, connected, sends: connected, health };
        self.now.lock().unwrap().insert(broadcast, now);
    }
}

#[async_trait]
impl OwnStreams for Streams {
    fn owner(&self) -> &str {
        self.owner
    }

    fn address(&self) -> &str {
        "192.0.2.7:8080"
    }

    fn held(&self) -> Vec<BroadcastId> {
        let (stages, sealing) = (self.stages.lock().unwrap(), self.sealing.lock().unwrap());
        let held: HashSet<BroadcastId> = stages.keys().chain(sealing.iter()).copied().collect();
        held.into_iter().collect()
    }

    fn stage(&self, broadcast: BroadcastId) -> Option<Stage> {
        self.stage_now(broadcast)
    }

    fn now(&self, broadcast: BroadcastId) -> Option<StreamNow> {
        self.now.lock().unwrap().get(&broadcast).cloned()
    }

    fn is_sealing(&self, broadcast: BroadcastId) -> bool {
        self.sealing.lock().unwrap().contains(&broadcast)
    }

    async fn expect(&self, broadcast: BroadcastId, take: Take, stage: Stage) {
        self.takes.lock().unwrap().insert(broadcast, take);
        self.stages.lock().unwrap().entry(broadcast).or_default().push(stage);
    }

    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage) {
        if let Some(told) = self.stages.lock().unwrap().get_mut(&broadcast) {
            told.push(stage);
        }
    }

    async fn let_go(&self, broadcast: BroadcastId, take: i64) {
        if self.takes.lock().unwrap().get(&broadcast).is_none_or(|held| held.number == take) {
            self.stages.lock().unwrap().remove(&broadcast);
            self.now.lock().unwrap().remove(&broadcast);
        }
    }

    async fn disconnect(&self, broadcast: BroadcastId) {
        self.disconnected.lock().unwrap().insert(broadcast);
    }

    async fn forget(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.stages.lock().unwrap().remove(&broadcast);
        self.sealing.lock().unwrap().remove(&broadcast);
        self.forgotten.lock().unwrap().insert(broadcast);
        self.blobs.remove(broadcast).await
    }
}

impl Blobs {
    fn readable(&self) -> Result<(), NeedError> {
        match self.unreadable.load(Ordering::SeqCst) {
            true => Err(NeedError("the blobs cannot be read".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Recordings for Blobs {
    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError> {
        self.readable()?;
        Ok(self.replays.lock().unwrap().contains(&broadcast))
    }

    async fn remove(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.readable()?;
        self.replays.lock().unwrap().remove(&broadcast);
        Ok(())
    }

    async fn has_mark(&self, mark: &str) -> Result<bool, NeedError> {
        self.readable()?;
        Ok(self.marks.lock().unwrap().contains(mark))
    }

    async fn set_mark(&self, mark: &str) -> Result<(), NeedError> {
        self.readable()?;
        self.marks.lock().unwrap().insert(mark.to_owned());
        Ok(())
    }
}

/// The crowd: the same for every running broadcast, another for those that are over.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) running: Mutex<Total>,
    pub(crate) over: Mutex<Total>,
}

#[async_trait]
impl Audience for Crowd {
    async fn crowds(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let total = *self.running.lock().unwrap();
        Ok(broadcasts.iter().map(|broadcast| (*broadcast, total)).collect())
    }

    async fn players(&self, _: BroadcastId) -> Result<PlayerHealth, NeedError> {
        let sessions = self.running.lock().unwrap().viewers.concurrent;
        let (bitrate_bps, behind_live_ms) = (Some(2_000_000), Some(1_800));
        Ok(PlayerHealth { sessions, stalls_per_minute: 0.5, bitrate_bps, behind_live_ms })
    }
}

#[async_trait]
impl Totals for Crowd {
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let total = *self.over.lock().unwrap();
        Ok(broadcasts.iter().map(|broadcast| (*broadcast, total)).collect())
    }
}

/// A bus that remembers what was published, as far as it does not lose it.
#[derive(Default)]
pub(crate) struct Heard {
    arrived: Mutex<Vec<(String, Bytes)>>,
    /// Loses the next publication that contains this.
    loses: Mutex<Option<&'static str>>,
}

impl Heard {
    /// Loses the next publication that contains `text`; whoever publishes it does not learn of that.
    pub(crate) fn lose(&self, text: &'static str) {
        *self.loses.lock().unwrap() = Some(text);
    }

    fn is_lost(&self, publication: &Publication) -> bool {
        let data = String::from_utf8_lossy(&publication.data);
        self.loses.lock().unwrap().take_if(|text| data.contains(*text)).is_some()
    }

    /// What was published since it was asked last.
    pub(crate) fn take(&self) -> Vec<(String, serde_json::Value)> {
        let heard = std::mem::take(&mut *self.arrived.lock().unwrap());
        heard.into_iter().map(|(channel, data)| (channel, serde_json::from_slice(&data).unwrap())).collect()
    }
}

#[async_trait]
impl Bus for Heard {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        let arrived = publications.into_iter().filter(|publication| !self.is_lost(publication));
        let arrived = arrived.map(|publication| (channel.to_owned(), publication.data));
        self.arrived.lock().unwrap().extend(arrived);
        Ok(())
    }

    async fn announce(&self, _: &str, _: Vec<Movement>) -> Result<(), BusError> {
        Ok(())
    }
    fn attach(&self, _: Arc<dyn Listener>) {}

    async fn subscribe(&self, _: &str) -> Result<(), BusError> {
        Ok(())
    }

    async fn unsubscribe(&self, _: &str) {}
}
