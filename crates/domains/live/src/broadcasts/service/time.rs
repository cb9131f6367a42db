//! What happens to broadcasts by itself, somewhere on the site.

use super::Broadcasts;
use crate::broadcasts::{Error, lifecycle::Input, store};

/// Broadcasts in one look; what does not fit is seen at the next.
const LOOK: u32 = 500;

impl Broadcasts {
    /// Lets happen what it is time for. One that fails does not hold up the others.
    pub(in crate::broadcasts) async fn reconcile_time(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut outcome = Ok(());
        for id in store::due(&self.database, now, &self.patience, self.here(), LOOK).await? {
            outcome = self.apply(id, Input::TimePassed).await.map(drop).and(outcome);
        }
        outcome
    }

    /// Publishers whose process is not there any more are gone.
    pub(in crate::broadcasts) async fn reconcile_lapsed(&self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for (id, publish_epoch) in store::lapsed(&self.database, self.here(), LOOK).await? {
            tracing::warn!(broadcast = %id, publish_epoch, "the process that has this stream is not heard of");
            outcome = self.apply(id, Input::StreamInterrupted { publish_epoch }).await.map(drop).and(outcome);
        }
        outcome
    }

    /// The owner of this process's streams; where it has none, a name that no owner has.
    pub(super) fn here(&self) -> &str {
        self.streams.as_ref().map_or("none", |streams| streams.owner())
    }
}
