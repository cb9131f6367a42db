//! Ends sessions that nobody used for too long. Idempotent: it deletes what is over, whenever it runs.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Schedule, WorkError};

use super::Sessions;

/// Deletes expired sessions, hourly.
pub struct ExpiredSessions(Arc<Sessions>);

/// In one transaction, so that other writers are not kept waiting.
const AT_ONCE: u32 = 1_000;

impl ExpiredSessions {
    pub(crate) fn new(sessions: Arc<Sessions>) -> Self {
        Self(sessions)
    }
}

#[async_trait]
impl Schedule for ExpiredSessions {
    fn name(&self) -> &'static str {
        "people.expired_sessions"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    async fn run(&self) -> Result<(), WorkError> {
        while self.0.end_expired(AT_ONCE).await? == u64::from(AT_ONCE) {}
        Ok(())
    }
}
