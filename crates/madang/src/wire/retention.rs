//! Recordings whose time is over are deleted.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::Clock;
use live::Broadcasts;
use media::Replays;
use ports::{
    blobs::Blobs,
    work::{Schedule, WorkError},
};

/// Looks for old recordings now and then.
pub(crate) struct Retention {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) broadcasts: Arc<Broadcasts>,
    /// How old recordings may be; 0 keeps them.
    pub(crate) days: u32,
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
        if self.days == 0 {
            return Ok(());
        }
        // Old recordings of another site are not this one's to delete.
        self.broadcasts.check_recordings().await?;
        let replays = Replays::new(self.blobs.clone());
        let mut outcome = Ok(());
        for broadcast in replays.older_than(self.days, self.clock.now()).await? {
            // One that cannot be deleted does not hold up the others.
            let retired = self.broadcasts.retire_recording(broadcast).await;
            if matches!(retired, Err(live::broadcasts::Error::NotOver)) {
                // It is on air, and an earlier take of it is that old.
                continue;
            }
            if retired.is_ok() {
                tracing::info!(%broadcast, days = self.days, "a recording was deleted: its time is over");
            }
            outcome = retired.and(outcome);
        }
        Ok(outcome?)
    }
}
