//! Keeping hearts, twice a second and at the end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::Hearts;

/// Keeps hearts, and closes shows that are over.
#[derive(Debug)]
pub struct KeepHearts(pub Arc<Hearts>);

#[async_trait]
impl Schedule for KeepHearts {
    fn name(&self) -> &'static str {
        "keep_hearts"
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.0.keep().await?;
        Ok(self.0.tidy().await?)
    }

    async fn finish(&self) -> Result<(), WorkError> {
        Ok(self.0.keep().await?)
    }
}
