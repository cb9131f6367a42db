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
use kernel::{AccountId, BroadcastId, Timestamp};
use ports::bus::{Bus, BusError, Listener, Movement, Publication};

use super::{ADMIN, JUNO, MINA};
use crate::needs::{Audience, Media, Name, Names, NeedError, PlayerHealth, Stage, Total, Totals, ViewerCounts};

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

/// What media was told and knows.
#[derive(Default)]
pub(crate) struct Streams {
    pub(crate) stages: Mutex<HashMap<BroadcastId, Vec<Stage>>>,
    pub(crate) timelines: Mutex<HashMap<BroadcastId, Timestamp>>,
    pub(crate) replays: Mutex<HashSet<BroadcastId>>,
    pub(crate) disconnected: Mutex<HashSet<BroadcastId>>,
    /// Whether nobody can tell what recordings there are.
    pub(crate) unreadable: AtomicBool,
    pub(crate) health: Mutex<Option<serde_json::Value>>,
}

impl Streams {
    /// What media was told last.
    pub(crate) fn stage(&self, broadcast: BroadcastId) -> Option<Stage> {
        self.stages.lock().unwrap().get(&broadcast).and_then(|told| told.last().copied())
    }
}

#[async_trait]
impl Media for Streams {
    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage) {
        self.stages.lock().unwrap().entry(broadcast).or_default().push(stage);
    }

    fn timeline_start(&self, broadcast: BroadcastId) -> Option<Timestamp> {
        self.timelines.lock().unwrap().get(&broadcast).copied()
    }

    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(NeedError("the blobs cannot be read".into()));
        }
        Ok(self.replays.lock().unwrap().contains(&broadcast))
    }

    async fn delete_recording(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.replays.lock().unwrap().remove(&broadcast);
        Ok(())
    }

    fn health(&self, _: BroadcastId) -> Option<serde_json::Value> {
        self.health.lock().unwrap().clone()
    }

    async fn disconnect(&self, broadcast: BroadcastId) {
        self.disconnected.lock().unwrap().insert(broadcast);
    }
}

/// The crowd: the same for every running broadcast, another for those that are over.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) running: Mutex<Total>,
    pub(crate) over: Mutex<Total>,
}

impl Audience for Crowd {
    fn counts(&self, _: BroadcastId) -> ViewerCounts {
        self.running.lock().unwrap().viewers
    }

    fn hearts(&self, _: BroadcastId) -> u64 {
        self.running.lock().unwrap().hearts
    }

    fn players(&self, broadcast: BroadcastId) -> PlayerHealth {
        let sessions = self.counts(broadcast).concurrent;
        PlayerHealth { sessions, stalls_per_minute: 0.5, bitrate_bps: Some(2_000_000), behind_live_ms: Some(1_800) }
    }
}

#[async_trait]
impl Totals for Crowd {
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let total = *self.over.lock().unwrap();
        Ok(broadcasts.iter().map(|broadcast| (*broadcast, total)).collect())
    }
}

/// A bus that remembers what was published.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<(String, Bytes)>>);

impl Heard {
    /// What was published since it was asked last.
    pub(crate) fn take(&self) -> Vec<(String, serde_json::Value)> {
        let heard = std::mem::take(&mut *self.0.lock().unwrap());
        heard.into_iter().map(|(channel, data)| (channel, serde_json::from_slice(&data).unwrap())).collect()
    }
}

#[async_trait]
impl Bus for Heard {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        let mut heard = self.0.lock().unwrap();
        heard.extend(publications.into_iter().map(|publication| (channel.to_owned(), publication.data)));
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
