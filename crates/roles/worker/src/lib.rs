//! The worker role: runs reactions to facts, and schedules.
//!
//! Promise: every reaction sees every fact of its kinds at least once and in order; a reaction that fails is tried again from the
//! same fact, with growing pauses, and holds up nobody else. Every schedule runs again and again with its pause between
//! two runs. A panic of either is a failure like another. At the end of the process each schedule gets one last `finish`. It knows no domain.
//!
//! Where several processes are one site ([`Worker::together`]), one of them runs the schedules of the site, and one each reaction:
//! whoever has the lease. What is written under a lease that another process has by now is refused
//! ([`ports::leases::Fence::guard`]). A process that dies is followed after five seconds, one that ends at once.
//!
//! Where a broker carries the facts ([`Worker::through`]), one process hands them over, in order, and all share each reaction: facts
//! of one key go to one of them. A fact that fails is put aside and comes again later, so order ends with the first failure, and after
//! half an hour it is a dead letter. A reaction has no lease then: a fact may have its effect in two processes at once, when one
//! was held up for so long that the broker gave its part to another.

mod delay;
mod deliveries;
mod following;
mod panics;
mod reactions;
mod relay;
mod schedules;
mod tenure;
pub mod topics;

use std::{sync::Arc, time::Duration};

use kernel::Clock;
use ports::{
    broker::Broker,
    event_log::EventLog,
    work::{Place, Reaction, Schedule},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use delay::Delay;
use deliveries::Deliveries;
use following::Following;
use relay::Relay;
use tenure::Right;

pub use deliveries::replay;
pub use relay::RELAY;
pub use tenure::{Office, Tenure, Terms};

/// The lease of the schedules of a site.
const SCHEDULES: &str = "batch";
/// How long a follower waits for news before it looks anyway: facts of this process wake it, those of others do not.
const LOOK_AFTER: Duration = Duration::from_millis(500);
const LOOK_AFTER_AMONG_OTHERS: Duration = Duration::from_millis(50);

/// The work of one process.
pub struct Worker {
    clock: Arc<dyn Clock>,
    reactions: Vec<Arc<dyn Reaction>>,
    schedules: Vec<Arc<dyn Schedule>>,
    office: Option<Office>,
    broker: Option<Arc<dyn Broker>>,
}

impl Worker {
    /// No work yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, reactions: Vec::new(), schedules: Vec::new(), office: None, broker: None }
    }

    /// Adds reactions.
    pub fn reactions(mut self, reactions: impl IntoIterator<Item = Arc<dyn Reaction>>) -> Self {
        self.reactions.extend(reactions);
        self
    }

    /// Adds schedules.
    pub fn schedules(mut self, schedules: impl IntoIterator<Item = Arc<dyn Schedule>>) -> Self {
        self.schedules.extend(schedules);
        self
    }

    /// Shares the work with other processes of the site.
    pub fn together(mut self, office: Office) -> Self {
        self.office = Some(office);
        self
    }

    /// Has the facts carried by a broker.
    pub fn through(mut self, broker: Arc<dyn Broker>) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Runs until cancelled; returns when what was begun is finished and every schedule has had its `finish`.
    pub async fn run(self, log: Arc<dyn EventLog>, cancel: CancellationToken) {
        let Self { clock, reactions, schedules, office, broker } = self;
        let (mut work, mut tenures) = (JoinSet::new(), Vec::new());
        let mut seek = |name: String| {
            let Some(office) = &office else { return Right::undisputed() };
            let tenure = office.seek(name, Terms::SHORT);
            let right = tenure.right();
            tenures.push(tenure);
            right
        };
        let delay = Delay(clock);
        let look_after = if office.is_some() { LOOK_AFTER_AMONG_OTHERS } else { LOOK_AFTER };
        let following = Following { log, look_after, delay: delay.clone(), cancel: cancel.clone() };
        match broker {
            Some(broker) if !reactions.is_empty() => {
                for reaction in &reactions {
                    // It reads the log no longer, and must not hold back what others have passed.
                    if let Err(error) = following.log.forget_cursor(reaction.name()).await {
                        tracing::warn!(%error, "a reader that is gone stays known to the event log");
                    }
                }
                for reaction in reactions {
                    let (broker, delay, cancel) = (broker.clone(), delay.clone(), cancel.clone());
                    let deliveries = Deliveries { broker, reaction, delay, cancel };
                    work.spawn(deliveries.clone().first_time());
                    work.spawn(deliveries.again());
                }
                work.spawn(following.follow(Relay(broker), seek(format!("reaction/{RELAY}"))));
            }
            _ => {
                for reaction in reactions {
                    let right = seek(format!("reaction/{}", reaction.name()));
                    work.spawn(following.clone().follow(reactions::OneByOne(reaction), right));
                }
            }
        }
        let of_site = |schedule: &Arc<dyn Schedule>| schedule.place() == Place::Site;
        let right = if schedules.iter().any(of_site) { seek(SCHEDULES.into()) } else { Right::undisputed() };
        for schedule in schedules {
            let right = if of_site(&schedule) { right.clone() } else { Right::undisputed() };
            work.spawn(schedules::repeat(schedule, right, cancel.clone()));
        }
        while let Some(ended) = work.join_next().await {
            if let Err(error) = ended {
                // Panics of the work itself are caught: this is one of the worker, or of an engine.
                tracing::error!(%error, "a piece of background work ended; the process should be restarted");
            }
        }
        for tenure in tenures {
            tenure.give_back().await;
        }
    }
}

/// The topics that facts of these kinds and reactions of these names need.
pub fn topics_needed(kinds: &[&str], reactions: &[&str]) -> Vec<String> {
    let mut needed: Vec<String> = kinds.iter().map(|kind| topics::of_kind(kind).to_owned()).collect();
    needed.extend(reactions.iter().flat_map(|reaction| [topics::retry(reaction), topics::dead(reaction)]));
    needed.sort_unstable();
    needed.dedup();
    needed
}

#[cfg(test)]
mod tests;
