//! What happens to broadcasts by itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::Broadcasts;

/// The schedules of this slice: of the site, and of a process that has streams.
pub fn schedules(broadcasts: &Arc<Broadcasts>) -> Vec<Arc<dyn Schedule>> {
    vec![
        Arc::new(PassTime(broadcasts.clone())),
        Arc::new(KeepStreams(broadcasts.clone())),
        Arc::new(KeepRecordings(broadcasts.clone())),
    ]
}

/// Schedules come due, graces and pauses run out, publishers are missed whose process is gone.
struct PassTime(Arc<Broadcasts>);

#[async_trait]
impl Schedule for PassTime {
    fn name(&self) -> &'static str {
        "live.pass_time"
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn run(&self) -> Result<(), WorkError> {
        // What was heard before counts before: an encoder that came back in time must not be ended by its grace.
        self.0.hear_again().await;
        self.0.reconcile_lapsed().await?;
        self.0.reconcile_time().await?;
        Ok(())
    }
}

/// The streams of this process are at the stage each broadcast asks for, and its rows say how they are.
struct KeepStreams(Arc<Broadcasts>);

#[async_trait]
impl Schedule for KeepStreams {
    fn name(&self) -> &'static str {
        "live.keep_streams"
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.keep_streams().await?)
    }
}

/// A replay is offered only as long as its recording is kept.
struct KeepRecordings(Arc<Broadcasts>);

#[async_trait]
impl Schedule for KeepRecordings {
    fn name(&self) -> &'static str {
        "live.keep_recordings"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.reconcile_recordings().await?)
    }
}
