//! Recordings after the show: removed when their host or their age says so, forgotten when they are not there.
//!
//! Promise: the row says first that a recording is gone, and only then it is removed. So nobody offers what is half
//! there, and whoever still has something of it (a spool, a cache) lets go of it by the row. A process that sees other
//! blobs than the site's changes no row.

use kernel::{BroadcastId, Identity, events::live::BroadcastState};

use super::Broadcasts;
use crate::broadcasts::{Error, model::Recording, store};

/// Broadcasts in one look.
const LOOK: u32 = 500;
/// Bytes of a site's mark; twice as many letters.
const MARK_BYTES: usize = 16;

impl Broadcasts {
    /// Removes the recording of a show that is over; its numbers stay. Administrators may remove anyone's.
    ///
    /// # Errors
    /// When the caller may not, or something could not be removed: the recording is not offered any more even so, and
    /// the same call again removes what is left.
    pub async fn delete_recording(&self, identity: &Identity, id: BroadcastId) -> Result<(), Error> {
        let broadcast = self.load(id).await?;
        if broadcast.host != identity.account && !identity.admin {
            return Err(Error::NotHost);
        }
        if broadcast.life.state != BroadcastState::Ended {
            return Err(Error::NotOver);
        }
        self.let_go_of_recording(id).await
    }

    /// Lets go of the recording of a show that is over, because its time is.
    ///
    /// # Errors
    /// When it could not be; the next call goes on.
    pub async fn retire_recording(&self, id: BroadcastId) -> Result<(), Error> {
        match self.let_go_of_recording(id).await {
            // A recording that no broadcast is known of.
            Err(Error::NotFound) => Ok(self.recordings.remove(id).await?),
            done => done,
        }
    }

    /// Whether the blobs that this process sees are the site's. They are marked when it is asked for the first time.
    ///
    /// # Errors
    /// When they are not, or nobody can tell: then nothing may be concluded from them.
    pub async fn check_recordings(&self) -> Result<(), Error> {
        let mark = match store::mark(&self.database).await? {
            Some(mark) => mark,
            None => self.mark_recordings().await?,
        };
        if self.recordings.has_mark(&mark).await? { Ok(()) } else { Err(Error::OtherBlobs(mark)) }
    }

    /// Forgets recordings that are not kept any more.
    pub(in crate::broadcasts) async fn reconcile_recordings(&self) -> Result<(), Error> {
        self.check_recordings().await?;
        let (mut after, mut outcome) = (BroadcastId::from_raw(0), Ok(()));
        loop {
            let page = store::kept_after(&self.database, after, LOOK).await?;
            let Some(last) = page.last() else { return outcome };
            after = last.id;
            for broadcast in &page {
                outcome = self.look_for_recording(broadcast.id).await.and(outcome);
            }
        }
    }

    async fn let_go_of_recording(&self, id: BroadcastId) -> Result<(), Error> {
        self.rewrite(id, |broadcast, _| {
            if broadcast.life.state == BroadcastState::Ended {
                broadcast.recording = Recording::Gone;
                return Ok(());
            }
            Err(Error::NotOver)
        })
        .await?;
        match &self.streams {
            Some(streams) => streams.forget(id).await?,
            None => self.recordings.remove(id).await?,
        }
        Ok(())
    }

    async fn look_for_recording(&self, id: BroadcastId) -> Result<(), Error> {
        // When nobody can tell, the replay stays: forgotten, it would never be offered again.
        if self.recordings.has_replay(id).await? {
            return Ok(());
        }
        self.rewrite(id, |broadcast, _| {
            broadcast.recording = Recording::Gone;
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Gives the blobs, and then the records, a mark. Of several who do it at once, one gives the records theirs.
    async fn mark_recordings(&self) -> Result<String, Error> {
        let mut bytes = [0; MARK_BYTES];
        self.random.fill(&mut bytes)?;
        let mark: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.recordings.set_mark(&mark).await?;
        store::set_mark(&self.database, &mark).await?;
        Ok(store::mark(&self.database).await?.unwrap_or(mark))
    }
}
