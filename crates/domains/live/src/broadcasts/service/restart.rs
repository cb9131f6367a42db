//! What makes the world equal to what it should be: after a restart, and again and again.

use kernel::BroadcastId;

use super::Broadcasts;
use crate::broadcasts::{
    Error,
    lifecycle::Input,
    model::{Broadcast, Recording},
    store,
};

/// Broadcasts in one look; what does not fit is seen at the next.
const LOOK: u32 = 500;

impl Broadcasts {
    /// To be called at the start, before any publisher is let in: whoever was publishing is gone, the grace runs from
    /// now, and media is told what is on air. Answers how many broadcasts had or awaited a stream.
    pub async fn recover_after_restart(&self) -> Result<usize, Error> {
        let mut count = 0;
        let mut after = FIRST;
        loop {
            let page = store::on_air(&self.database, after, LOOK).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            count += page.len();
            for broadcast in &page {
                self.apply(broadcast.id, Input::ServerRestarted).await?;
            }
        }
        self.reconcile_stages().await?;
        Ok(count)
    }

    /// Lets happen what it is time for. One that fails does not hold up the others.
    pub(in crate::broadcasts) async fn reconcile_time(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut outcome = Ok(());
        for id in store::due(&self.database, now, &self.patience, LOOK).await? {
            outcome = self.apply(id, Input::TimePassed).await.map(drop).and(outcome);
        }
        outcome
    }

    /// Keeps where timelines began, as soon as media knows.
    pub(in crate::broadcasts) async fn reconcile_timelines(&self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for broadcast in store::without_timeline(&self.database, LOOK).await? {
            if let Some(at) = self.media.timeline_start(broadcast.id) {
                outcome = self.apply(broadcast.id, Input::TimelineBegan(at)).await.map(drop).and(outcome);
            }
        }
        outcome
    }

    /// Tells media again what each stream is to be at, until the recording of an ended one is settled.
    pub(in crate::broadcasts) async fn reconcile_stages(&self) -> Result<(), Error> {
        let mut after = FIRST;
        loop {
            let page = store::on_air(&self.database, after, LOOK).await?;
            let Some(last) = self.tell_all(&page).await else { break };
            after = last;
        }
        let mut after = FIRST;
        loop {
            let page = store::unsettled(&self.database, after, LOOK).await?;
            let Some(last) = self.tell_all(&page).await else { break };
            after = last;
        }
        Ok(())
    }

    /// Forgets recordings that media no longer keeps, because their time was over.
    pub(in crate::broadcasts) async fn reconcile_recordings(&self) -> Result<(), Error> {
        let (mut after, mut outcome) = (FIRST, Ok(()));
        loop {
            let page = store::kept_after(&self.database, after, LOOK).await?;
            let Some(last) = page.last() else { return outcome };
            after = last.id;
            for broadcast in &page {
                outcome = self.look_for_recording(broadcast.id).await.and(outcome);
            }
        }
    }

    async fn tell_all(&self, page: &[Broadcast]) -> Option<BroadcastId> {
        for broadcast in page {
            self.tell_media(broadcast).await;
        }
        page.last().map(|last| last.id)
    }

    async fn look_for_recording(&self, id: BroadcastId) -> Result<(), Error> {
        // When nobody can tell, the replay stays: forgotten, it would never be offered again.
        if self.media.has_replay(id).await? {
            return Ok(());
        }
        self.rewrite(id, |broadcast, _| {
            broadcast.recording = Recording::Gone;
            Ok(())
        })
        .await
        .map(drop)
    }
}

/// Smaller than every id.
const FIRST: BroadcastId = BroadcastId::from_raw(0);
