//! What the live domain needs of media: stages, timelines, recordings, health.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{BroadcastId, Clock, Timestamp};
use live::needs::{Media, NeedError, Stage};
use media::{MediaService, ingest::Ingest};

/// The media role's side of broadcasts.
pub(crate) struct BroadcastStreams {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) media: Arc<MediaService>,
    pub(crate) ingest: Ingest,
}

#[async_trait]
impl Media for BroadcastStreams {
    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage) {
        let stage = match stage {
            Stage::Preview => media::Stage::Preview,
            // Before it is known: now. The show keeps the first one it is told.
            Stage::Live { timeline_start } => {
                media::Stage::Live { timeline_start: timeline_start.unwrap_or_else(|| self.clock.now()) }
            }
            Stage::Paused => media::Stage::Paused,
            Stage::Ended => media::Stage::Ended,
        };
        self.media.set_stage(broadcast, stage);
    }

    fn timeline_start(&self, broadcast: BroadcastId) -> Option<Timestamp> {
        self.media.timeline_start(broadcast)
    }

    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError> {
        self.media.has_replay(broadcast).await.map_err(|error| NeedError(error.to_string()))
    }

    async fn delete_recording(&self, broadcast: BroadcastId) -> Result<(), NeedError> {
        self.media.delete_recording(broadcast).await.map_err(|error| NeedError(error.to_string()))
    }

    fn health(&self, broadcast: BroadcastId) -> Option<serde_json::Value> {
        self.media.health(broadcast).and_then(|health| serde_json::to_value(health).ok())
    }

    async fn disconnect(&self, broadcast: BroadcastId) {
        self.ingest.disconnect(broadcast);
    }
}
