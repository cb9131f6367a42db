//! What media needs of the live domain: whom to admit, and who hears what becomes of a publisher.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use kernel::BroadcastId;
use live::{
    Broadcasts,
    broadcasts::{PublishRefused, Recording},
};
use media::needs::{Gatekeeper, Refusal, Standing};
use people::People;

/// Answers for the live domain. Media and broadcasts need each other, so the broadcasts are put in once both are there;
/// until then publishers are told to try again.
pub(crate) struct StreamGatekeeper {
    people: People,
    broadcasts: OnceLock<Arc<Broadcasts>>,
}

impl StreamGatekeeper {
    pub(crate) fn new(people: People) -> Self {
        Self { people, broadcasts: OnceLock::new() }
    }

    /// Puts the broadcasts in; only the first call counts.
    pub(crate) fn open(&self, broadcasts: Arc<Broadcasts>) {
        let _ = self.broadcasts.set(broadcasts);
    }

    fn broadcasts(&self) -> Result<&Arc<Broadcasts>, Refusal> {
        self.broadcasts.get().ok_or(Refusal::Unavailable)
    }
}

fn refusal(refused: PublishRefused) -> Refusal {
    match refused {
        PublishRefused::UnknownKey => Refusal::UnknownKey,
        PublishRefused::NotNow(reason) => Refusal::NotNow(reason),
        PublishRefused::Unavailable => Refusal::Unavailable,
    }
}

#[async_trait]
impl Gatekeeper for StreamGatekeeper {
    async fn resolve(&self, stream_key: &str, _: SocketAddr) -> Result<BroadcastId, Refusal> {
        self.broadcasts()?.resolve_key(stream_key).await.map_err(refusal)
    }

    async fn begin(&self, broadcast: BroadcastId) -> Result<i64, Refusal> {
        self.broadcasts()?.begin_epoch(broadcast).await.map_err(refusal)
    }

    async fn arrived(&self, broadcast: BroadcastId, publish_epoch: i64) {
        if let Ok(broadcasts) = self.broadcasts() {
            broadcasts.stream_arrived(broadcast, publish_epoch).await;
        }
    }

    async fn interrupted(&self, broadcast: BroadcastId, publish_epoch: i64) {
        if let Ok(broadcasts) = self.broadcasts() {
            broadcasts.stream_interrupted(broadcast, publish_epoch).await;
        }
    }

    async fn standing(&self, broadcast: BroadcastId) -> Option<Standing> {
        let found = self.broadcasts().ok()?.find(broadcast).await;
        match found {
            Ok(broadcast) if broadcast.life.is_on_air() => Some(Standing::OnAir),
            Ok(broadcast) if broadcast.life.is_ahead() => Some(Standing::Nothing),
            Ok(broadcast) if broadcast.recording == Recording::Gone => Some(Standing::Gone),
            Ok(_) => Some(Standing::Over),
            Err(live::broadcasts::Error::NotFound) => Some(Standing::Nothing),
            Err(error) => {
                tracing::warn!(%error, %broadcast, "cannot tell what there is to watch");
                None
            }
        }
    }

    async fn may_preview(&self, session_token: Option<&str>, broadcast: BroadcastId) -> bool {
        let (Some(token), Ok(broadcasts)) = (session_token, self.broadcasts()) else { return false };
        match self.people.identify(token).await {
            Ok(identity) => broadcasts.may_preview(identity.as_ref(), broadcast).await,
            Err(error) => {
                tracing::warn!(%error, "cannot tell who asks for a preview");
                false
            }
        }
    }
}
