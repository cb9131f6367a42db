//! The worker role: runs reactions to facts, and schedules.
//!
//! Promise: every reaction sees every fact at least once and in order; a reaction that fails is tried again from the
//! same fact, with growing pauses, and holds up nobody else. Every schedule runs again and again with its pause between
//! two runs. A panic of either is a failure like another. At the end of the process each schedule gets one last `finish`. It knows no domain.

mod panics;
mod reactions;
mod schedules;

use std::sync::Arc;

use ports::{
    event_log::EventLog,
    work::{Reaction, Schedule},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The work of one process.
#[derive(Default)]
pub struct Worker {
    reactions: Vec<Arc<dyn Reaction>>,
    schedules: Vec<Arc<dyn Schedule>>,
}

impl Worker {
    /// Adds a reaction.
    pub fn reaction(mut self, reaction: Arc<dyn Reaction>) -> Self {
        self.reactions.push(reaction);
        self
    }

    /// Adds a schedule.
    pub fn schedule(mut self, schedule: Arc<dyn Schedule>) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Adds several schedules.
    pub fn schedules(mut self, schedules: impl IntoIterator<Item = Arc<dyn Schedule>>) -> Self {
        self.schedules.extend(schedules);
        self
    }

    /// Runs until cancelled; returns when what was begun is finished and every schedule has had its `finish`.
    pub async fn run(self, log: Arc<dyn EventLog>, cancel: CancellationToken) {
        let mut tasks = JoinSet::new();
        for reaction in self.reactions {
            tasks.spawn(reactions::follow(log.clone(), reaction, cancel.clone()));
        }
        for schedule in self.schedules {
            tasks.spawn(schedules::repeat(schedule, cancel.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                // Panics of the work itself are caught: this is one of the worker, or of an engine.
                tracing::error!(%error, "a piece of background work ended; the process should be restarted");
            }
        }
    }
}
