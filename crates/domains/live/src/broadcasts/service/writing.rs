//! How a change is kept: decide on what is there, write only over that, and tell media afterwards.

use kernel::{BroadcastId, Rate, Timestamp, events::live::BroadcastChanged};
use ports::sql::WriteTx;

use super::Broadcasts;
use crate::{
    broadcasts::{
        Error,
        lifecycle::{Input, Life},
        model::{Broadcast, Draft, Recording},
        store,
    },
    channels::Channel,
    needs::Stage,
};

const TRIES: u32 = 20;
/// How long after its end a recording may take to be sealed, in milliseconds.
const SEALING_MS: i64 = 10 * 60 * 1_000;

impl Broadcasts {
    /// Makes a broadcast within its channel's limits. The channel is locked, so that no other one is made meanwhile.
    pub(super) async fn insert(
        &self,
        tx: &mut WriteTx,
        channel: &Channel,
        draft: Draft,
        key_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<Broadcast, Error> {
        if store::count_open(tx, channel.id).await? >= i64::from(self.open_max) {
            return Err(Error::TooManyOpen(self.open_max));
        }
        self.keep_rate(tx, channel, now).await?;
        let broadcast = Broadcast {
            id: BroadcastId::from_raw(self.ids.next(now)),
            channel: channel.id,
            host: channel.account,
            title: draft.title,
            life: Life::new(draft.auto_start, draft.scheduled_at, now),
            recording: Recording::Pending,
            created_at: now,
            version: 1,
        };
        store::insert(tx, &broadcast, key_hash).await?;
        tx.emit(&fact(&broadcast, now), now).await?;
        Ok(broadcast)
    }

    /// Lets `input` happen to the broadcast, and tells media when that changes what it is to do.
    pub(super) async fn apply(&self, id: BroadcastId, input: Input) -> Result<Broadcast, Error> {
        let (before, after) = self
            .rewrite(id, |broadcast, now| {
                broadcast.life = broadcast.life.after(input, now, &self.patience)?;
                Ok(())
            })
            .await?;
        if before.stage() != after.stage() {
            self.tell_media(&after).await;
        }
        Ok(after)
    }

    /// Changes the broadcast as `decide` says; again on what is there now when somebody else was faster. Answers it
    /// before and after; where they are equal, nothing was written.
    pub(super) async fn rewrite(
        &self,
        id: BroadcastId,
        decide: impl Fn(&mut Broadcast, Timestamp) -> Result<(), Error> + Send,
    ) -> Result<(Broadcast, Broadcast), Error> {
        for _ in 0..TRIES {
            let before = self.load(id).await?;
            let now = self.clock.now();
            let mut after = before.clone();
            decide(&mut after, now)?;
            if after == before {
                return Ok((before, after));
            }
            after.version += 1;
            if self.write(&before, &after, now).await? {
                self.recent.put(&after, now);
                return Ok((before, after));
            }
        }
        Err(Error::Contended)
    }

    /// Makes media do what the broadcast's latest state asks for; `known` is the latest this caller has seen. What
    /// fails is tried again by a schedule.
    pub(super) async fn tell_media(&self, known: &Broadcast) {
        let id = known.id;
        let turn = usize::try_from(id.raw().unsigned_abs() % self.turns.len() as u64).unwrap_or_default();
        let Some(turn) = self.turns.get(turn) else { return };
        let _turn = turn.lock().await;
        let told = async {
            // Read within the turn: whoever tells last tells the latest. A store that fails must not keep a picture public
            // whose pause or end is kept already.
            let broadcast = self.load(id).await.unwrap_or_else(|_| known.clone());
            self.media.set_stage(id, broadcast.stage()).await;
            if broadcast.stage() == Stage::Ended {
                self.media.disconnect(id).await;
                self.settle(id).await?;
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = told.await {
            tracing::warn!(broadcast = %id, %error, "media could not be told; it is tried again");
        }
    }

    /// Keeps what media knows at the end: where the timeline began, and whether there is a recording.
    async fn settle(&self, id: BroadcastId) -> Result<(), Error> {
        let timeline_start = self.media.timeline_start(id);
        let has_replay = self.media.has_replay(id).await?;
        self.rewrite(id, |broadcast, now| {
            if let Some(at) = timeline_start {
                broadcast.life = broadcast.life.after(Input::TimelineBegan(at), now, &self.patience)?;
            }
            if broadcast.recording == Recording::Pending {
                let sealing_since = broadcast.life.ended_at.map_or(now, |ended_at| ended_at.max(self.began_at));
                let is_late = now.millis_since(sealing_since) >= SEALING_MS;
                broadcast.recording = match (broadcast.life.started_at, has_replay) {
                    (None, _) => Recording::Gone,
                    (Some(_), true) => Recording::Kept,
                    (Some(_), false) if is_late => Recording::Gone,
                    (Some(_), false) => Recording::Pending,
                };
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Refuses one more broadcast when the channel's latest ones already fill the period.
    async fn keep_rate(&self, tx: &mut WriteTx, channel: &Channel, now: Timestamp) -> Result<(), Error> {
        let Rate::AtMost { count, period_ms } = self.rate else { return Ok(()) };
        let Some(earlier) = store::nth_newest_at(tx, channel.id, count).await? else { return Ok(()) };
        let since_ms = u64::try_from(now.millis_since(earlier)).unwrap_or_default();
        match period_ms.saturating_sub(since_ms) {
            0 => Ok(()),
            wait_ms => Err(Error::TooOften { rate: self.rate, retry_after_s: wait_ms.div_ceil(1_000) }),
        }
    }

    async fn write(&self, before: &Broadcast, after: &Broadcast, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.database.write().await?;
        if !store::update(&mut tx, after, now).await? {
            return Ok(false);
        }
        let told = |life: &Life| (life.state, life.stream, life.publish_epoch);
        if told(&before.life) != told(&after.life) {
            tx.emit(&fact(after, now), now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

fn fact(broadcast: &Broadcast, now: Timestamp) -> BroadcastChanged {
    BroadcastChanged {
        broadcast: broadcast.id,
        host: broadcast.host,
        state: broadcast.life.state,
        stream: broadcast.life.stream,
        publish_epoch: broadcast.life.publish_epoch,
        at: now,
    }
}
