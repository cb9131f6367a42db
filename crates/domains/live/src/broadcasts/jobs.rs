//! What happens to broadcasts by itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Schedule, WorkError};

use super::Broadcasts;

/// The schedules of this slice.
pub fn schedules(broadcasts: &Arc<Broadcasts>) -> Vec<Arc<dyn Schedule>> {
    vec![
        Arc::new(PassTime(broadcasts.clone())),
        Arc::new(KeepStages(broadcasts.clone())),
        Arc::new(KeepRecordings(broadcasts.clone())),
    ]
}

/// Schedules come due, graces and pauses run out, timelines begin.
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
        self.0.reconcile_timelines().await?;
        self.0.reconcile_time().await?;
        Ok(())
    }
}

/// Media is at the stage each broadcast asks for.
struct KeepStages(Arc<Broadcasts>);

#[async_trait]
impl Schedule for KeepStages {
    fn name(&self) -> &'static str {
        "live.keep_stages"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.reconcile_stages().await?)
    }
}

/// A replay is offered only as long as media keeps its recording.
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
