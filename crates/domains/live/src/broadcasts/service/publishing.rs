//! What publishers do with broadcasts: they show a key, are given an epoch, arrive and go away.

use std::sync::{Arc, PoisonError};

use kernel::{BroadcastId, Identity, events::live::BroadcastState};

use super::Broadcasts;
use crate::{
    broadcasts::{
        Error, PublishRefused,
        lifecycle::{Input, WrongState},
        model::{Draft, StreamPlace},
        store, stray_encoders,
    },
    channels::{keep_refusal, lock_channel, refused_last},
    stream_key::{self, KeyKind},
};

/// News of streams that wait to be kept, at the most. Beyond it news is dropped and logged; how it
/// is with those streams is seen within a second.
const UNHEARD_MAX: usize = 1_000;

impl Broadcasts {
    /// The broadcast a stream key publishes into. A channel's lasting key opens what is on air, else the newest that is
    /// ready, else a new broadcast with the channel's default title. An encoder under which the show was ended, and
    /// which connects again by itself, opens nothing new.
    ///
    /// # Errors
    /// [`PublishRefused`] when the key opens nothing, or not now.
    pub async fn resolve_key(&self, key: &str) -> Result<BroadcastId, PublishRefused> {
        match KeyKind::of(key) {
            None => Err(PublishRefused::UnknownKey),
            Some(KeyKind::Broadcast) => Ok(self.of_broadcast_key(key).await?),
            Some(KeyKind::Channel) => Ok(self.of_lasting_key(key).await?),
        }
    }

    /// Begins a publish epoch: larger than every one before, kept before it is answered. The stream is this process's
    /// from now on.
    ///
    /// # Errors
    /// [`PublishRefused`] when the broadcast is over, or another process has a publisher.
    pub async fn begin_epoch(&self, broadcast: BroadcastId) -> Result<i64, PublishRefused> {
        let begun = self.apply(broadcast, Input::PublisherAdmitted).await?;
        if let Some(streams) = &self.streams {
            let take = store::take_of(&self.database, broadcast, streams.owner()).await.map_err(Error::from)?;
            // None: yet another process was faster.
            self.expect(&begun, take.ok_or(Error::PublishedElsewhere)?).await;
        }
        Ok(begun.life.publish_epoch)
    }

    /// The other process that has the broadcast's stream, if one was heard of within the last seconds. At most a second old.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn place_elsewhere(&self, broadcast: BroadcastId) -> Result<Option<StreamPlace>, Error> {
        let now = self.clock.now();
        let place = match self.places.get(broadcast, now) {
            Some(place) => place,
            None => {
                let look = || async { store::address_of(&self.database, broadcast).await.map_err(Arc::new) };
                let place = self.placing.once(broadcast, look).await.map_err(Error::Store)?;
                self.places.put(broadcast, place.clone(), now);
                place
            }
        };
        let here = self.streams.as_ref().map(|streams| streams.owner());
        Ok(place.filter(|place| Some(place.owner.as_str()) != here))
    }

    /// The first frames of an epoch have come. Old epochs are of no effect.
    pub async fn stream_arrived(&self, broadcast: BroadcastId, publish_epoch: i64) {
        self.hear(broadcast, Input::StreamArrived { publish_epoch }).await;
    }

    /// The publisher of an epoch is gone. Old epochs are of no effect.
    pub async fn stream_interrupted(&self, broadcast: BroadcastId, publish_epoch: i64) {
        self.hear(broadcast, Input::StreamInterrupted { publish_epoch }).await;
    }

    /// Whether this visitor may see the broadcast's stream before it is public: its host and administrators. When
    /// nobody can tell: no.
    pub async fn may_preview(&self, identity: Option<&Identity>, broadcast: BroadcastId) -> bool {
        let (Some(identity), Ok(broadcast)) = (identity, self.find(broadcast).await) else { return false };
        identity.admin || identity.account == broadcast.host
    }

    /// Tries again to keep the news that could not be kept.
    pub(in crate::broadcasts) async fn hear_again(&self) {
        let waiting = std::mem::take(&mut *self.unheard.lock().unwrap_or_else(PoisonError::into_inner));
        for (broadcast, input) in waiting {
            self.hear(broadcast, input).await;
        }
    }

    async fn hear(&self, broadcast: BroadcastId, news: Input) {
        match self.apply(broadcast, news).await {
            Ok(_) => {}
            Err(error @ (Error::Store(_) | Error::Contended)) => {
                let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = unheard.len() < UNHEARD_MAX;
                tracing::warn!(%broadcast, ?news, %error, kept, "news of a stream could not be kept yet");
                if kept {
                    unheard.push((broadcast, news));
                }
            }
            Err(error) => tracing::warn!(%broadcast, ?news, %error, "news of a stream was not taken"),
        }
    }

    async fn of_broadcast_key(&self, key: &str) -> Result<BroadcastId, Error> {
        let found = store::of_key(&self.database, &stream_key::hash(key)).await?;
        let broadcast = found.ok_or(Error::UnknownKey)?;
        if broadcast.life.state == BroadcastState::Ended {
            return Err(WrongState::Over.into());
        }
        Ok(broadcast.id)
    }

    async fn of_lasting_key(&self, key: &str) -> Result<BroadcastId, Error> {
        let channel = self.channels.of_key(key).await?.ok_or(Error::UnknownKey)?;
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        // Two encoders with one key must not make two broadcasts.
        lock_channel(&mut tx, channel.id).await?;
        if let Some(open) = store::for_lasting_key(&mut tx, channel.id).await? {
            return Ok(open);
        }
        if let Some(ended) = store::ended_last(&mut tx, channel.id).await?
            && ended.life.ended_under_a_publisher()
            && let Some(ended_at) = ended.life.ended_at
            && let Some(refused) =
                stray_encoders::refuse(refused_last(&mut tx, channel.id).await?, ended.id, ended_at, now)
        {
            keep_refusal(&mut tx, channel.id, refused).await?;
            tx.commit().await?;
            return Err(Error::EncoderGoesOn);
        }
        let draft = Draft { title: channel.default_title.clone(), auto_start: true, scheduled_at: None };
        let broadcast = self.insert(&mut tx, &channel, draft, None, now).await?;
        tx.commit().await?;
        self.recent.put(&broadcast, now);
        Ok(broadcast.id)
    }
}
