//! Facts whose time is over leave the event log.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::Clock;
use ports::{
    event_log::EventLog,
    work::{Schedule, WorkError},
};

use crate::run::Machine;

/// How long a fact stays at least, in milliseconds: 7 days.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Removes old facts once a day.
pub(crate) fn trimming(machine: &Machine, log: Arc<dyn EventLog>) -> Arc<dyn Schedule> {
    Arc::new(Trimming { clock: machine.clock.clone(), log })
}

struct Trimming {
    clock: Arc<dyn Clock>,
    log: Arc<dyn EventLog>,
}

#[async_trait]
impl Schedule for Trimming {
    fn name(&self) -> &'static str {
        "event_log.trim"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(24 * 60 * 60)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let removed = self.log.trim(self.clock.now().plus_millis(-KEPT_MS)).await?;
        if removed > 0 {
            tracing::info!(removed, "old facts have left the event log");
        }
        Ok(())
    }
}
