//! How a change is kept: decide on what is there, write only over that, and look after the stream afterwards, where it
//! is here.

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
};

const TRIES: u32 = 20;

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
        if !self.is_open.get() {
            return Err(Error::Closed);
        }
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

    /// Lets `input` happen to the broadcast. Where its stream is in this process, it is at its new stage at once.
    pub(super) async fn apply(&self, id: BroadcastId, input: Input) -> Result<Broadcast, Error> {
        let (before, after) = self
            .rewrite(id, |broadcast, now| {
                broadcast.life = broadcast.life.after(input, now, &self.patience)?;
                if broadcast.recording == Recording::Pending && broadcast.life.nothing_was_recorded() {
                    broadcast.recording = Recording::Gone;
                }
                Ok(())
            })
            .await?;
        if before.stage() != after.stage() {
            self.tell_others(&after);
            self.look_after(&after).await;
        }
        Ok(after)
    }

    /// Lets the process that has the stream look at once, where that is not this one.
    fn tell_others(&self, changed: &Broadcast) {
        let is_here = self.streams.as_ref().is_some_and(|streams| streams.stage(changed.id).is_some());
        if let Some(others) = self.others.as_ref().filter(|_| !is_here) {
            others.changed(changed.id);
        }
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

    /// Refuses one more broadcast when the channel's latest ones already fill the period.
    async fn keep_rate(&self, tx: &mut WriteTx, channel: &Channel, now: Timestamp) -> Result<(), Error> {
        let rate = self.rate.get();
        let Rate::AtMost { count, period_ms } = rate else { return Ok(()) };
        let Some(earlier) = store::nth_newest_at(tx, channel.id, count).await? else { return Ok(()) };
        let since_ms = u64::try_from(now.millis_since(earlier)).unwrap_or_default();
        match period_ms.saturating_sub(since_ms) {
            0 => Ok(()),
            wait_ms => Err(Error::TooOften { rate, retry_after_s: wait_ms.div_ceil(1_000) }),
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
        let epoch = after.life.publish_epoch;
        if let Some(streams) = self.streams.as_ref().filter(|_| epoch > before.life.publish_epoch) {
            let new = store::NewOwner {
                owner: streams.owner(),
                address: streams.address(),
                publish_epoch: epoch,
                gone_epoch: before.life.gone_epoch,
                goes_on: streams.stage(after.id).is_some(),
            };
            if !store::own(&mut tx, self.database.dialect(), after.id, new).await? {
                return Err(Error::PublishedElsewhere);
            }
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
