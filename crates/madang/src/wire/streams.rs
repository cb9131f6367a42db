//! What the live domain needs of media: the streams of this process, and the recordings of the site.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::BroadcastId;
use live::needs::{NeedError, OwnStreams, Recordings, Stage, StreamNow, Take};
use media::{MediaService, Replays, ingest::Ingest};
use ports::blobs::{BlobError, Blobs};

/// The streams of the media role in this process.
pub(crate) struct BroadcastStreams {
    pub(crate) media: Arc<MediaService>,
    pub(crate) ingest: Ingest,
    /// Where other processes of the site reach this one.
    pub(crate) address: String,
}

#[async_trait]
impl OwnStreams for BroadcastStreams {
    fn owner(&self) -> &str {
        self.media.owner()
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn held(&self) -> Vec<BroadcastId> {
        self.media.held()
    }

    fn stage(&self, broadcast: BroadcastId) -> Option<Stage> {
        self.media.stage(broadcast).map(|stage| match stage {
            media::Stage::Preview => Stage::Preview,
            media::Stage::Live { timeline_start } => Stage::Live { timeline_start },
            media::Stage::Paused => Stage::Paused,
            media::Stage::Ended => Stage::Ended,
        })
    }

    fn now(&self, broadcast: BroadcastId) -> Option<StreamNow> {
        let (health, take) = (self.media.health(broadcast)?, self.media.take(broadcast)?);
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Some(StreamNow {
            take: Take {
                number: number(take.number),
                sequence: number(take.sequence),
                discontinuities: number(take.discontinuities),
            },
            publish_epoch: health.publish_epoch,
            connected: health.connected,
            sends: health.video.is_some() || health.audio.is_some(),
            health: serde_json::to_value(&health).ok()?,
        })
    }

    fn is_sealing(&self, broadcast: BroadcastId) -> bool {
        self.media.is_sealing(broadcast)
    }

    async fn expect(&self, broadcast: BroadcastId, take: Take, stage: Stage) {
        // What is kept is not negative.
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let take = media::Take {
            number: number(take.number),
            sequence: number(take.sequence),
            discontinuities: number(take.discontinuities),
        };
        self.media.expect(broadcast, take, of_media(stage));
    }

    async fn let_go(&self, broadcast: BroadcastId, take: i64) {
        self.media.let_go(broadcast, u64::try_from(take).unwrap_or_default());
    }

    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage) {
        self.media.set_stage(broadcast, of_media(stage));
    }

    async fn disconnect(&self, broadcast: BroadcastId) {
        self.ingest.disconnect(broadcast);
    }

    async fn forget(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.media.delete_recording(broadcast).await.map_err(|error| need(&error))
    }
}

/// The recordings among the site's blobs.
pub(crate) struct SiteRecordings(Replays);

impl SiteRecordings {
    pub(crate) fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self(Replays::new(blobs))
    }
}

#[async_trait]
impl Recordings for SiteRecordings {
    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError> {
        self.0.has(broadcast).await.map_err(|error| need(&error))
    }

    async fn remove(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.0.remove(broadcast).await.map_err(|error| need(&error))
    }

    async fn has_mark(&self, mark: &str) -> Result<bool, NeedError> {
        self.0.has_mark(mark).await.map_err(|error| need(&error))
    }

    async fn set_mark(&self, mark: &str) -> Result<(), NeedError> {
        self.0.set_mark(mark).await.map_err(|error| need(&error))
    }
}

fn of_media(stage: Stage) -> media::Stage {
    match stage {
        Stage::Preview => media::Stage::Preview,
        Stage::Live { timeline_start } => media::Stage::Live { timeline_start },
        Stage::Paused => media::Stage::Paused,
        Stage::Ended => media::Stage::Ended,
    }
}

fn need(error: &BlobError) -> NeedError {
    NeedError(error.to_string())
}
