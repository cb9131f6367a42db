//! Forgets who wrote in slow mode so long ago that they may write again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::{Clock, limits};
use ports::sql::Database;
use ports::work::{Schedule, WorkError};

use super::store;

/// Drops what slow mode asks for no more, however slow it is.
pub struct ForgetSlowMode {
    clock: Arc<dyn Clock>,
    database: Database,
}

impl ForgetSlowMode {
    /// The schedule on this database.
    pub fn new(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self { clock, database }
    }
}

#[async_trait]
impl Schedule for ForgetSlowMode {
    fn name(&self) -> &'static str {
        "chat-forget-slow-mode"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let slowest_ms = i64::from(*limits::SLOW_MODE_SECONDS.end()) * 1_000;
        let dropped = store::drop_old(&self.database, self.clock.now().plus_millis(-slowest_ms)).await?;
        tracing::debug!(dropped, "those who wrote in slow mode forgotten");
        Ok(())
    }
}
