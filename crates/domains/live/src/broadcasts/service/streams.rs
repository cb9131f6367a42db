//! What a process does that has streams: it looks at the rows of their broadcasts, and does what they ask for.
//!
//! Promise: nobody tells media what to do. What a host decides anywhere is in a row, and the process that has the
//! stream looks at its rows every second, and at once at what was changed in the same process. A pause that was kept
//! hides the picture within a second, wherever it was asked for. What a process keeps of a stream after its end (the
//! spool) is its own matter until it is sealed or removed; only then its row goes away.

use kernel::{BroadcastId, events::live::StreamState};
use ports::sql::Dialect;

use super::Broadcasts;
use crate::{
    broadcasts::{
        Error,
        lifecycle::Input,
        model::{Broadcast, Recording},
        store,
    },
    needs::{OwnStreams, Stage, StreamNow, Take},
};

/// Broadcasts in one look.
const LOOK: u32 = 500;
/// Smaller than every id.
const FIRST: BroadcastId = BroadcastId::from_raw(0);
/// How long after its end a recording may be missing, in milliseconds, when nothing of it is on its way.
const SEALING_MS: i64 = 10 * 60 * 1_000;
/// The same where earlier takes may be in the spool of a process that comes back.
const OTHER_SPOOL_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

impl Broadcasts {
    /// To be called at the start, before any publisher is let in: whoever was publishing into this process's streams is
    /// gone, the grace runs from now, and what is still here is at the stage it should be. Answers how many of its
    /// broadcasts have not ended.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn recover_after_restart(&self) -> Result<usize, Error> {
        let Some(streams) = self.streams.clone() else { return Ok(0) };
        for broadcast in streams.held() {
            let mut tx = self.database.write().await?;
            store::adopt(&mut tx, broadcast, streams.owner(), streams.address()).await?;
            tx.commit().await?;
        }
        let (mut count, mut after) = (0, FIRST);
        loop {
            let page = store::owned(&self.database, streams.owner(), after, LOOK).await?;
            let Some((last, ..)) = page.last() else { break };
            after = last.id;
            for (broadcast, publish_epoch, _) in page.iter().filter(|(show, ..)| show.life.ended_at.is_none()) {
                count += 1;
                self.apply(broadcast.id, Input::ServerRestarted { publish_epoch: *publish_epoch }).await?;
            }
        }
        self.keep_streams().await?;
        Ok(count)
    }

    /// Looks at a broadcast again: another process says that it has changed it ([`crate::needs::OtherProcesses`]).
    pub async fn changed_elsewhere(&self, id: BroadcastId) {
        self.recent.forget(id);
        let Some(streams) = &self.streams else { return };
        if streams.stage(id).is_some()
            && let Ok(broadcast) = self.load(id).await
        {
            self.recent.put(&broadcast, self.clock.now());
            self.look_after(&broadcast).await;
        }
    }

    /// Does what the rows of this process's streams ask for, and writes down how they are. One that fails does not hold
    /// up the others.
    pub(in crate::broadcasts) async fn keep_streams(&self) -> Result<(), Error> {
        let Some(streams) = self.streams.clone() else { return Ok(()) };
        self.hear_again().await;
        let held = streams.held();
        let mut outcome = self.say_how_they_are(&*streams, &held).await;
        let mut strangers = held.clone();
        let mut after = FIRST;
        loop {
            let page = store::owned(&self.database, streams.owner(), after, LOOK).await?;
            let Some((last, ..)) = page.last() else { break };
            after = last.id;
            for (broadcast, _, take) in &page {
                strangers.retain(|held| *held != broadcast.id);
                // Another process had it in between.
                if let Some(earlier) = streams.now(broadcast.id).filter(|now| now.take.number < *take) {
                    streams.let_go(broadcast.id, earlier.take.number).await;
                }
                let is_held = held.contains(&broadcast.id);
                outcome = self.keep_stream(&*streams, broadcast, is_held).await.and(outcome);
            }
        }
        for id in strangers {
            outcome = self.keep_stranger(&*streams, id).await.and(outcome);
        }
        outcome
    }

    /// Makes the stream that is here do what the broadcast's latest state asks for; `known` is the latest this caller
    /// has seen. What fails is tried again within a second.
    pub(in crate::broadcasts) async fn look_after(&self, known: &Broadcast) {
        self.follow(known, None).await;
    }

    /// The same, where this process is just given the broadcast's publisher.
    pub(super) async fn expect(&self, known: &Broadcast, take: Take) {
        self.follow(known, Some(take)).await;
    }

    /// How a stream is doing: as it is here, or as its process wrote within the last seconds.
    pub(in crate::broadcasts) async fn stream_health(
        &self,
        id: BroadcastId,
    ) -> Result<Option<serde_json::Value>, Error> {
        if let Some(here) = self.streams.as_ref().and_then(|streams| streams.now(id)) {
            return Ok(Some(here.health));
        }
        let written = store::health(&self.database, id).await?;
        Ok(written.and_then(|health| serde_json::from_str(&health).ok()))
    }

    async fn follow(&self, known: &Broadcast, expected: Option<Take>) {
        let Some(streams) = &self.streams else { return };
        let id = known.id;
        let turn = usize::try_from(id.raw().unsigned_abs() % self.turns.len() as u64).unwrap_or_default();
        let Some(turn) = self.turns.get(turn) else { return };
        let _turn = turn.lock().await;
        // Read within the turn: whoever looks last does the latest. A store that fails must not keep a picture public
        // whose pause or end is kept already.
        let broadcast = self.load(id).await.unwrap_or_else(|_| known.clone());
        match expected {
            Some(take) => streams.expect(id, take, broadcast.stage()).await,
            None => streams.set_stage(id, broadcast.stage()).await,
        }
        if broadcast.stage() == Stage::Ended {
            streams.disconnect(id).await;
            if let Err(error) = self.settle(&**streams, &broadcast).await {
                tracing::warn!(broadcast = %id, %error, "not known yet whether there is a recording; it is looked for again");
            }
        }
    }

    async fn say_how_they_are(&self, streams: &dyn OwnStreams, held: &[BroadcastId]) -> Result<(), Error> {
        // One process has the file of SQLite: nobody else reads it, and each write is a sync to the disk.
        if self.database.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let now: Vec<(BroadcastId, StreamNow)> = held.iter().filter_map(|id| Some((*id, streams.now(*id)?))).collect();
        for some in now.chunks(LOOK as usize) {
            store::renew(&self.database, streams.owner(), streams.address(), some).await?;
        }
        Ok(())
    }

    async fn keep_stream(&self, streams: &dyn OwnStreams, broadcast: &Broadcast, is_held: bool) -> Result<(), Error> {
        let (id, stage) = (broadcast.id, broadcast.stage());
        let is_elsewhere = streams.stage(id).is_some_and(|at| !at.is_like(stage));
        let is_over = stage == Stage::Ended;
        if is_elsewhere || (is_over && broadcast.recording == Recording::Pending) {
            self.look_after(broadcast).await;
        }
        if !is_over {
            return self.agree_about(streams, broadcast).await;
        }
        match broadcast.recording {
            Recording::Pending => {}
            Recording::Gone if is_held => {
                streams.disconnect(id).await;
                streams.forget(id).await?;
            }
            Recording::Kept | Recording::Gone if !is_held => {
                store::release(&self.database, id, streams.owner()).await?;
            }
            Recording::Kept | Recording::Gone => {}
        }
        Ok(())
    }

    /// Whether the publisher is there is known here best.
    async fn agree_about(&self, streams: &dyn OwnStreams, broadcast: &Broadcast) -> Result<(), Error> {
        let Some(now) = streams.now(broadcast.id).filter(|now| now.publish_epoch == broadcast.life.publish_epoch)
        else {
            return Ok(());
        };
        let publish_epoch = now.publish_epoch;
        let is_gone = broadcast.life.gone_epoch >= publish_epoch;
        let is_arriving = broadcast.life.stream == StreamState::Arriving;
        let input = match (now.connected, is_gone) {
            (true, true) if now.sends => Input::StreamGoesOn { publish_epoch },
            (true, false) if now.sends && !is_arriving => Input::StreamArrived { publish_epoch },
            (false, false) => Input::StreamInterrupted { publish_epoch },
            _ => return Ok(()),
        };
        self.apply(broadcast.id, input).await.map(drop)
    }

    /// Something of a broadcast is here that is not this process's: it packages nothing more of it, and keeps what it has
    /// recorded, unless that is to be gone.
    async fn keep_stranger(&self, streams: &dyn OwnStreams, id: BroadcastId) -> Result<(), Error> {
        let take = streams.now(id).map(|now| now.take.number);
        let owner = store::owner_of(&self.database, id).await?;
        if owner.is_some_and(|owner| owner != streams.owner()) {
            streams.disconnect(id).await;
            if let Some(take) = take {
                streams.let_go(id, take).await;
            }
        }
        let Some(broadcast) = store::find(&self.database, id).await? else { return Ok(()) };
        if broadcast.stage() == Stage::Ended && broadcast.recording == Recording::Gone {
            return Ok(streams.forget(id).await?);
        }
        if streams.stage(id).is_some_and(|at| !at.is_like(broadcast.stage())) {
            self.look_after(&broadcast).await;
        }
        Ok(())
    }

    /// Keeps what is known at the end: whether there is a recording. Only the owner of the stream can say that there is
    /// none.
    async fn settle(&self, streams: &dyn OwnStreams, broadcast: &Broadcast) -> Result<(), Error> {
        let id = broadcast.id;
        if broadcast.recording != Recording::Pending || streams.is_sealing(id) {
            return Ok(());
        }
        let Some(take) = store::take_of(&self.database, id, streams.owner()).await? else { return Ok(()) };
        let has_replay = self.recordings.has_replay(id).await?;
        let patience_ms = if take.number == 0 { SEALING_MS } else { OTHER_SPOOL_MS };
        self.rewrite(id, |broadcast, now| {
            if broadcast.recording == Recording::Pending {
                let missing_since = broadcast.life.ended_at.map_or(now, |ended_at| ended_at.max(self.began_at));
                broadcast.recording = match has_replay {
                    true => Recording::Kept,
                    false if now.millis_since(missing_since) >= patience_ms => Recording::Gone,
                    false => Recording::Pending,
                };
            }
            Ok(())
        })
        .await
        .map(drop)
    }
}
