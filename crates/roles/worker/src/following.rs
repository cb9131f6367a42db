//! Following the event log in order, with a cursor of one's own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::event_log::{Cursor, EventLog, EventLogError, Fact};
use tokio_util::sync::CancellationToken;

use crate::{delay::Delay, schedules::guarded, tenure::Right};

/// Facts read at once.
const BATCH: u32 = 200;
/// The pause after a failure: doubled each time, between these two.
pub(crate) const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Does something with facts.
#[async_trait]
pub(crate) trait Follower: Send + Sync {
    /// Its stable name; its cursor is kept under it.
    fn name(&self) -> &'static str;
    /// Takes facts in their order. How many of the first have had their effect, and why not more; fewer without a reason when
    /// cancelled.
    async fn take(&self, facts: &[Fact], cancel: &CancellationToken) -> (usize, Option<String>);
}

/// How a follower follows.
#[derive(Clone)]
pub(crate) struct Following {
    pub(crate) log: Arc<dyn EventLog>,
    /// How long to wait for news before looking anyway.
    pub(crate) look_after: Duration,
    pub(crate) delay: Delay,
    pub(crate) cancel: CancellationToken,
}

impl Following {
    /// Follows the log while this process has the right to, until cancelled.
    pub(crate) async fn follow(self, follower: impl Follower, mut right: Right) {
        let (mut cursor, mut before) = (None, None);
        let mut pause = PAUSE.0;
        while let Some(fence) = self.cancel.run_until_cancelled(right.begun()).await {
            if fence != before {
                // Others may have gone on meanwhile.
                (cursor, before) = (None, fence.clone());
            }
            match guarded(fence, self.advance(&follower, &mut cursor)).await {
                Ok(true) => pause = PAUSE.0,
                Ok(false) => {
                    pause = PAUSE.0;
                    tokio::select! { () = self.log.wait(self.look_after) => (), () = self.cancel.cancelled() => () }
                }
                Err(error) => {
                    failed(follower.name(), &error, pause);
                    tokio::select! { () = tokio::time::sleep(pause) => (), () = self.cancel.cancelled() => () }
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    /// Takes the next batch; says whether there was one. What succeeded before a failure is kept.
    async fn advance(&self, follower: &impl Follower, at: &mut Option<Cursor>) -> Result<bool, String> {
        let text = |error: EventLogError| error.to_string();
        let start = match *at {
            Some(cursor) => cursor,
            None => self.log.cursor(follower.name()).await.map_err(text)?,
        };
        *at = Some(start);
        let facts = self.log.read(start, BATCH).await.map_err(text)?;
        self.delay.behind(follower.name(), facts.first());
        let (done, failure) = follower.take(&facts, &self.cancel).await;
        let done = facts.get(..done).unwrap_or(&facts);
        if let Some(last) = done.last() {
            self.delay.done(follower.name(), done);
            self.log.keep_cursor(follower.name(), last.cursor).await.map_err(text)?;
            *at = Some(last.cursor);
        }
        failure.map_or(Ok(!facts.is_empty()), Err)
    }
}

/// Counts and logs a failure, after which a pause follows.
pub(crate) fn failed(reaction: &'static str, error: &str, pause: Duration) {
    metrics::counter!("madang_reaction_failures_total", "reaction" => reaction).increment(1);
    tracing::warn!(reaction, error, pause_ms = pause.as_millis(), "a reaction failed; it is tried again");
}
