//! Publishes what changed, and answers what is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{BroadcastId, Clock, Timestamp, events::live::BroadcastState};
use ports::{
    bus::{Bus, Publication},
    work::{Schedule, WorkError},
};

use super::state::publication;
use crate::{
    broadcasts::{Broadcast, Error, Presenter},
    hearts::LATE_MS,
    needs::NeedError,
};

/// Broadcasts that are told about at once, at the most.
pub const BROADCASTS_MAX: u32 = 10_000;
const TICK_MS: u64 = 500;
/// How often a state is told again that has not changed, in milliseconds: the bus may have lost it.
const REPEAT_MS: i64 = 5_000;
/// How long after its end a show is told about, in milliseconds: its last hearts come by then, and somebody who missed the end
/// is told so again.
const AFTER_END_MS: i64 = 60_000;
const _: () = assert!(LATE_MS < AFTER_END_MS, "the last hearts of a show are told");
/// How far a look reaches back behind the one before: a commit may become visible a little after its time.
const OVERLAP_MS: i64 = AFTER_END_MS + 3_000;

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
    latest: HashMap<BroadcastId, Value>,
}

/// What was told last about a broadcast, and when.
#[derive(Clone)]
struct Value {
    state: Bytes,
    at: Timestamp,
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

    /// Publishes the state of every broadcast whose state is not what was told last; of those on air and those that ended a
    /// moment ago it is told again and again.
    pub async fn tell_changes(&self) -> Result<(), WorkError> {
        let now = self.clock.now();
        let since = self.told(|told| told.looked_at).unwrap_or(now).plus_millis(-OVERLAP_MS);
        let broadcasts = self.presenter.broadcasts().changed_since(since, BROADCASTS_MAX).await?;
        let crowds = self.presenter.crowds(&broadcasts).await?;
        let mut latest = HashMap::with_capacity(broadcasts.len());
        for broadcast in &broadcasts {
            let crowd = crowds.get(&broadcast.id).copied().unwrap_or_default();
            let state = publication(broadcast, crowd)?;
            let before = self.told(|told| told.latest.get(&broadcast.id).cloned());
            let still_good = before.filter(|before| before.state == state && !is_to_repeat(broadcast, before.at, now));
            let value = match still_good {
                Some(before) => before,
                None => {
                    let publications = vec![Publication { data: state.clone(), ..Publication::default() }];
                    self.bus.publish(&Self::channel(broadcast.id), publications).await?;
                    Value { state, at: now }
                }
            };
            latest.insert(broadcast.id, value);
        }
        self.told(|told| *told = Told { looked_at: Some(now), latest });
        Ok(())
    }

    fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the state that was told at `told_at` is to be told again, changed or not.
fn is_to_repeat(broadcast: &Broadcast, told_at: Timestamp, now: Timestamp) -> bool {
    let is_heard = match broadcast.life.state {
        BroadcastState::Created | BroadcastState::Ready => false,
        BroadcastState::Live | BroadcastState::Paused => true,
        BroadcastState::Ended => {
            broadcast.life.ended_at.is_some_and(|ended_at| now.millis_since(ended_at) <= AFTER_END_MS)
        }
    };
    // After a clock was set back, nobody knows how long ago it was told.
    is_heard && !(0..REPEAT_MS).contains(&now.millis_since(told_at))
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
