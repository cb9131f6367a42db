//! Broadcasts as visitors see them: with their host's name and their crowd.
//!
//! Running crowds come from the [`Audience`], those of shows that are over from the [`Totals`].

mod health;

use std::{collections::HashMap, sync::Arc};

use kernel::{
    AccountId, BroadcastId, ChannelId, Identity, Timestamp,
    events::live::{BroadcastState, StreamState},
};
use rest::HostName;
use serde::Serialize;
use utoipa::ToSchema;

pub use health::Health;

use super::{Broadcast, Broadcasts, Error, PlaybackAddresses, Recording};
use crate::{
    Settings,
    needs::{Audience, Name, Names, Total, Totals, ViewerCounts},
    settings::ingest_url,
};

/// The channel a broadcast is shown on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelView {
    /// The channel.
    pub id: ChannelId,
    /// Its owner's unique name.
    pub handle: String,
    /// Its owner's name as shown.
    pub display_name: String,
}

/// A broadcast as visitors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BroadcastView {
    /// The show.
    pub id: BroadcastId,
    /// Where it is shown.
    pub channel: ChannelView,
    /// Its title.
    pub title: String,
    /// Where it is in its life.
    pub state: BroadcastState,
    /// Where its stream is.
    pub stream: StreamState,
    /// Whether it goes live when its stream arrives.
    pub auto_start: bool,
    /// When it becomes ready, if that was to be later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it first went live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The moment of position 0 of its timeline, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline_start: Option<Timestamp>,
    /// Its multivariant playlist (RFC 8216). Where addresses are signed it runs out: ask for the broadcast again then.
    pub playback_url: String,
    /// A still of it, as JPEG.
    pub thumbnail_url: String,
    /// Whether it has ended and can be watched again.
    pub replay: bool,
    /// The realtime channel of its chat.
    pub room: String,
    /// Its viewers.
    pub viewers: ViewerCounts,
    /// Its hearts.
    pub hearts: u64,
}

/// Shows broadcasts to visitors.
pub struct Presenter {
    broadcasts: Arc<Broadcasts>,
    names: Arc<dyn Names>,
    audience: Arc<dyn Audience>,
    totals: Arc<dyn Totals>,
    addresses: PlaybackAddresses,
    ingest_url: String,
}

impl Presenter {
    /// Shows `broadcasts` with the names and crowds that others know.
    pub fn new(
        broadcasts: Arc<Broadcasts>,
        settings: &Settings,
        names: Arc<dyn Names>,
        audience: Arc<dyn Audience>,
        totals: Arc<dyn Totals>,
        addresses: PlaybackAddresses,
    ) -> Self {
        Self { broadcasts, names, audience, totals, addresses, ingest_url: settings.ingest_url.clone() }
    }

    /// The broadcasts it shows.
    pub fn broadcasts(&self) -> &Arc<Broadcasts> {
        &self.broadcasts
    }

    /// These broadcasts as this visitor sees them, in their order.
    pub async fn views(
        &self,
        broadcasts: Vec<Broadcast>,
        visitor: Option<&Identity>,
    ) -> Result<Vec<BroadcastView>, Error> {
        let mut hosts: Vec<AccountId> = broadcasts.iter().map(|broadcast| broadcast.host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let names = if hosts.is_empty() { HashMap::new() } else { self.names.names(&hosts).await? };
        let crowds = self.crowds(&broadcasts).await?;
        let view = |broadcast: Broadcast| {
            let crowd = crowds.get(&broadcast.id).copied().unwrap_or_default();
            self.put_together(broadcast, visitor, &names, crowd)
        };
        Ok(broadcasts.into_iter().map(view).collect())
    }

    /// This broadcast as this visitor sees it.
    pub async fn view(&self, broadcast: Broadcast, visitor: Option<&Identity>) -> Result<BroadcastView, Error> {
        self.views(vec![broadcast], visitor).await?.pop().ok_or(Error::NotFound)
    }

    /// How the stream and the players of a broadcast are doing; for its host.
    pub async fn health(&self, identity: &Identity, id: BroadcastId) -> Result<Health, Error> {
        let broadcast = self.broadcasts.of_host(identity, id).await?;
        let stream = self.broadcasts.stream_health(id).await?;
        let players = self.audience.players(id).await?;
        Ok(Health::of(stream, broadcast.life.publish_epoch, players))
    }

    /// The account with this handle.
    pub(super) async fn host(&self, handle: &str) -> Result<Option<AccountId>, Error> {
        Ok(self.names.by_handle(handle).await?)
    }

    /// Where the encoders of a client that came by `host` publish.
    pub(super) fn ingest_url(&self, host: &HostName) -> String {
        ingest_url(&self.ingest_url, host)
    }

    /// The crowds of these broadcasts.
    pub(crate) async fn crowds(&self, broadcasts: &[Broadcast]) -> Result<HashMap<BroadcastId, Total>, Error> {
        let (mut over, mut running) = (Vec::new(), Vec::new());
        for Broadcast { id, life, .. } in broadcasts {
            if life.state == BroadcastState::Ended { over.push(*id) } else { running.push(*id) }
        }
        let mut crowds = if over.is_empty() { HashMap::new() } else { self.totals.totals(&over).await? };
        if !running.is_empty() {
            crowds.extend(self.audience.crowds(&running).await?);
        }
        Ok(crowds)
    }

    fn put_together(
        &self,
        broadcast: Broadcast,
        visitor: Option<&Identity>,
        names: &HashMap<AccountId, Name>,
        crowd: Total,
    ) -> BroadcastView {
        let folder = self.addresses.folder(&broadcast, visitor);
        let Broadcast { id, channel, host, title, life, recording, created_at, .. } = broadcast;
        // An account that is gone leaves its shows without a name.
        let name =
            names.get(&host).cloned().unwrap_or_else(|| Name { handle: String::new(), display_name: String::new() });
        BroadcastView {
            id,
            channel: ChannelView { id: channel, handle: name.handle, display_name: name.display_name },
            title,
            state: life.state,
            stream: life.stream,
            auto_start: life.auto_start,
            scheduled_at: life.scheduled_at,
            created_at,
            started_at: life.started_at,
            ended_at: life.ended_at,
            timeline_start: life.timeline_start,
            playback_url: format!("{folder}/index.m3u8"),
            thumbnail_url: format!("{folder}/thumbnail.jpg"),
            replay: life.ended_at.is_some() && recording == Recording::Kept,
            room: format!("chat:{id}"),
            viewers: crowd.viewers,
            hearts: crowd.hearts,
        }
    }
}
