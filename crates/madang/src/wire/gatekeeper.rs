//! What media needs of the live domain: whom to admit, and who hears what becomes of a publisher.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use kernel::{BroadcastId, Clock};
use live::{
    Broadcasts,
    broadcasts::{PublishRefused, Recording, StreamPlace},
    playbacks::{Admits, InvalidToken, PlaybackTokens},
};
use media::needs::{Admission, Gatekeeper, NotAdmitted, Refusal, Standing, Usher};
use people::People;

/// Answers for the live domain. Media and broadcasts need each other, so the broadcasts are put in once both are there;
/// until then publishers are told to try again.
pub(crate) struct StreamGatekeeper {
    people: People,
    clock: Arc<dyn Clock>,
    live: OnceLock<Live>,
}

struct Live {
    broadcasts: Arc<Broadcasts>,
    tokens: Arc<PlaybackTokens>,
    /// Whether an address without a token admits nobody.
    are_needed: bool,
}

impl StreamGatekeeper {
    pub(crate) fn new(people: People, clock: Arc<dyn Clock>) -> Self {
        Self { people, clock, live: OnceLock::new() }
    }

    /// Puts the broadcasts in, and what signs their addresses, with whether they need to be signed; only the first call counts.
    pub(crate) fn open(&self, broadcasts: Arc<Broadcasts>, (tokens, are_needed): (Arc<PlaybackTokens>, bool)) {
        let _ = self.live.set(Live { broadcasts, tokens, are_needed });
    }

    fn broadcasts(&self) -> Result<&Arc<Broadcasts>, Refusal> {
        Ok(&self.live.get().ok_or(Refusal::Unavailable)?.broadcasts)
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
}

#[async_trait]
impl Usher for StreamGatekeeper {
    fn admit(&self, token: Option<&str>, broadcast: BroadcastId) -> Result<Admission, NotAdmitted> {
        let live = self.live.get().ok_or(NotAdmitted::Unavailable)?;
        let Some(token) = token else {
            return if live.are_needed { Err(NotAdmitted::NotSigned) } else { Ok(Admission::everybody()) };
        };
        let read = live.tokens.read(token, broadcast, self.clock.now()).map_err(|invalid| match invalid {
            InvalidToken::Forged => NotAdmitted::Forged,
            InvalidToken::OtherShow => NotAdmitted::OtherShow,
            InvalidToken::Expired => NotAdmitted::Expired,
        })?;
        Ok(Admission { preview: read.admits == Admits::Preview, expires_at: Some(read.expires_at) })
    }

    fn own_token(&self, broadcast: BroadcastId) -> Option<String> {
        let live = self.live.get().filter(|live| live.are_needed)?;
        Some(live.tokens.sign(broadcast, Admits::Watching, self.clock.now()))
    }

    async fn packaged_at(&self, broadcast: BroadcastId) -> Option<String> {
        match self.broadcasts().ok()?.place_elsewhere(broadcast).await {
            // Processes of older versions told no scheme.
            Ok(place) => place.map(|StreamPlace { address, .. }| match address.contains("://") {
                true => address,
                false => format!("http://{address}"),
            }),
            Err(error) => {
                tracing::warn!(%error, %broadcast, "cannot tell which process packages a stream");
                None
            }
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
