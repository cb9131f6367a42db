//! Recordings whose time is over are deleted.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::Clock;
use media::MediaService;
use ports::work::{Schedule, WorkError};

use crate::run::Machine;

/// Looks for old recordings now and then.
pub(crate) fn retention(machine: &Machine, media: &Arc<MediaService>) -> Arc<dyn Schedule> {
    Arc::new(Retention { clock: machine.clock.clone(), media: media.clone() })
}

struct Retention {
    clock: Arc<dyn Clock>,
    media: Arc<MediaService>,
}

#[async_trait]
impl Schedule for Retention {
    fn name(&self) -> &'static str {
        "media.retention"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.media.apply_retention(self.clock.now()).await?;
        Ok(())
    }
}
