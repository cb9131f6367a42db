//! Publishes what changed, and answers what is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{BroadcastId, Clock, Timestamp};
use ports::{
    bus::{Bus, Publication},
    work::{Schedule, WorkError},
};

use super::state::publication;
use crate::{
    broadcasts::{Error, Presenter},
    hearts::LATE_MS,
    needs::NeedError,
};

/// Broadcasts that are told about at once, at the most.
pub const BROADCASTS_MAX: u32 = 10_000;
const TICK_MS: u64 = 500;
/// How far a look reaches back behind the one before: hearts come a little after a show's end, and a commit may become
/// visible a little after its time.
const OVERLAP_MS: i64 = LATE_MS + 3_000;

/// Tells everyone who watches a broadcast how it is.
pub struct Feed {
    clock: Arc<dyn Clock>,
    presenter: Arc<Presenter>,
    bus: Arc<dyn Bus>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    looked_at: Option<Timestamp>,
    latest: HashMap<BroadcastId, Bytes>,
}

impl Feed {
    /// Publishes on `bus` what `presenter` knows.
    pub fn new(clock: Arc<dyn Clock>, presenter: Arc<Presenter>, bus: Arc<dyn Bus>) -> Self {
        Self { clock, presenter, bus, told: Mutex::default() }
    }

    /// The channel on which a broadcast's state is published.
    pub fn channel(broadcast: BroadcastId) -> String {
        format!("live:{broadcast}")
    }

    /// The present state, for the answer to a subscription; `None` when there is no such broadcast.
    ///
    /// # Errors
    /// When the store or the counts cannot answer.
    pub async fn present_state(&self, broadcast: BroadcastId) -> Result<Option<Bytes>, NeedError> {
        let failed = |error: Error| NeedError(error.to_string());
        let broadcast = match self.presenter.broadcasts().find(broadcast).await {
            Ok(broadcast) => broadcast,
            Err(Error::NotFound) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let crowds = self.presenter.crowds(std::slice::from_ref(&broadcast)).await.map_err(failed)?;
        let crowd = crowds.get(&broadcast.id).copied().unwrap_or_default();
        publication(&broadcast, crowd).map(Some).map_err(|error| NeedError(error.to_string()))
    }

    /// Publishes the state of every broadcast whose state is not what was told last.
    pub async fn tell_changes(&self) -> Result<(), WorkError> {
        let now = self.clock.now();
        let since = self.told(|told| told.looked_at).unwrap_or(now).plus_millis(-OVERLAP_MS);
        let broadcasts = self.presenter.broadcasts().changed_since(since, BROADCASTS_MAX).await?;
        let crowds = self.presenter.crowds(&broadcasts).await?;
        let mut latest = HashMap::with_capacity(broadcasts.len());
        for broadcast in &broadcasts {
            let crowd = crowds.get(&broadcast.id).copied().unwrap_or_default();
            let state = publication(broadcast, crowd)?;
            if self.told(|told| told.latest.get(&broadcast.id) != Some(&state)) {
                let publications = vec![Publication { data: state.clone(), ..Publication::default() }];
                self.bus.publish(&Self::channel(broadcast.id), publications).await?;
            }
            latest.insert(broadcast.id, state);
        }
        self.told(|told| *told = Told { looked_at: Some(now), latest });
        Ok(())
    }

    fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Schedule for Feed {
    fn name(&self) -> &'static str {
        "live.feed"
    }

    fn every(&self) -> Duration {
        Duration::from_millis(TICK_MS)
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.tell_changes().await
    }
}
