//! Where several processes are one site, their time is that of the database's server, whatever the clocks of their machines say.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use engines::sql::ServerClock;
use ports::work::{Place, Schedule, WorkError};

/// A clock that is so wrong should be mended.
const WRONG_MS: i64 = 1_000;

/// Looks at the server's clock again and again.
pub(crate) struct SharedClock {
    clock: Arc<ServerClock>,
    is_told: AtomicBool,
}

impl SharedClock {
    /// Keeps this one right.
    pub(crate) fn new(clock: Arc<ServerClock>) -> Self {
        Self { clock, is_told: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Schedule for SharedClock {
    fn name(&self) -> &'static str {
        "site.clock"
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let ahead_ms = self.clock.look().await?;
        metrics::gauge!("madang_clock_ahead_seconds").set(ahead_ms as f64 / 1_000.0);
        let is_wrong = ahead_ms.abs() >= WRONG_MS;
        let was_told = self.is_told.swap(is_wrong, Ordering::Relaxed);
        if is_wrong && !was_told {
            tracing::warn!(ahead_ms, "the clock of this machine is not that of the database's; the database's counts");
        }
        Ok(())
    }
}
