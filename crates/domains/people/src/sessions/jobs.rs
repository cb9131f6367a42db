//! Ends sessions that nobody used for too long, and has connections know of sessions that ended. Idempotent: one deletes what is
//! over, the other one has connections look, whenever they run.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::{Sessions, needs::Connections};

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
        Ok(self.0.forget_ends().await?)
    }
}

/// Looks every second of which accounts sessions ended, in whatever process, and has their connections here prove again who
/// they are. Each end is seen by several looks: a connection that was about to begin is there by the next one.
pub struct EndedSessions {
    sessions: Arc<Sessions>,
    connections: Arc<dyn Connections>,
}

impl EndedSessions {
    pub(crate) fn new(sessions: Arc<Sessions>, connections: Arc<dyn Connections>) -> Self {
        Self { sessions, connections }
    }
}

#[async_trait]
impl Schedule for EndedSessions {
    fn name(&self) -> &'static str {
        "people.ended_sessions"
    }

    /// Each process has connections of its own.
    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.sessions.ended_lately().await?.into_iter().for_each(|account| self.connections.prove_again(account));
        Ok(())
    }
}
