//! The worker role: runs reactions to facts, and schedules.
//!
//! Promise: every reaction sees every fact of its kinds at least once and in order; a reaction that fails is tried again from the
//! same fact, with growing pauses, and holds up nobody else. Every schedule runs again and again with its pause between
//! two runs. A panic of either is a failure like another. At the end of the process each schedule gets one last `finish`. It knows no domain.
//!
//! Where several processes are one site ([`Worker::together`]), one of them runs the schedules of the site, and one each reaction:
//! whoever has the lease. What is written under a lease that another process has by now is refused
//! ([`ports::leases::Fence::guard`]). A process that dies is followed after five seconds, one that ends at once.

mod delay;
mod following;
mod panics;
mod reactions;
mod schedules;
mod tenure;

use std::{sync::Arc, time::Duration};

use kernel::Clock;
use ports::{
    event_log::EventLog,
    work::{Place, Reaction, Schedule},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use delay::Delay;
use following::Following;
use tenure::Right;

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
}

impl Worker {
    /// No work yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, reactions: Vec::new(), schedules: Vec::new(), office: None }
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

    /// Runs until cancelled; returns when what was begun is finished and every schedule has had its `finish`.
    pub async fn run(self, log: Arc<dyn EventLog>, cancel: CancellationToken) {
        let Self { clock, reactions, schedules, office } = self;
        let (mut work, mut tenures) = (JoinSet::new(), Vec::new());
        let mut seek = |name: String| {
            let Some(office) = &office else { return Right::undisputed() };
            let tenure = office.seek(name, Terms::SHORT);
            let right = tenure.right();
            tenures.push(tenure);
            right
        };
        let look_after = if office.is_some() { LOOK_AFTER_AMONG_OTHERS } else { LOOK_AFTER };
        let following = Following { log, look_after, delay: Delay(clock), cancel: cancel.clone() };
        for reaction in reactions {
            let right = seek(format!("reaction/{}", reaction.name()));
            work.spawn(following.clone().follow(reactions::OneByOne(reaction), right));
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

#[cfg(test)]
mod tests;
