//! Keeping what the crowd did, twice a second and at the end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::Viewers;

/// Keeps unique viewers, peaks and watch time, and closes shows that are over.
#[derive(Debug)]
pub struct KeepViewers(pub Arc<Viewers>);

#[async_trait]
impl Schedule for KeepViewers {
    fn name(&self) -> &'static str {
        "keep_viewers"
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.0.keep().await?;
        Ok(self.0.close_shows_that_are_over().await?)
    }

    async fn finish(&self) -> Result<(), WorkError> {
        Ok(self.0.keep().await?)
    }
}
