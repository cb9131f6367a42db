//! One reaction following the event log with a cursor of its own.

use std::{sync::Arc, time::Duration};

use ports::{
    event_log::{Cursor, EventLog, EventLogError},
    work::Reaction,
};
use tokio_util::sync::CancellationToken;

use crate::{panics::caught, schedules::guarded, tenure::Right};

/// Facts read at once.
const BATCH: u32 = 200;
/// How long to wait for news before looking anyway.
const LOOK_AFTER: Duration = Duration::from_millis(500);
/// The pause after a failure: doubled each time, between these two.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Follows the log while this process has the right to, until cancelled.
pub(crate) async fn follow(
    log: Arc<dyn EventLog>,
    reaction: Arc<dyn Reaction>,
    mut right: Right,
    cancel: CancellationToken,
) {
    let (mut cursor, mut before) = (None, None);
    let mut pause = PAUSE.0;
    while let Some(fence) = cancel.run_until_cancelled(right.begun()).await {
        if fence != before {
            // Others may have gone on meanwhile.
            (cursor, before) = (None, fence.clone());
        }
        match guarded(fence, advance(&*log, &*reaction, &mut cursor, &cancel)).await {
            Ok(true) => pause = PAUSE.0,
            Ok(false) => {
                pause = PAUSE.0;
                tokio::select! { () = log.wait(LOOK_AFTER) => (), () = cancel.cancelled() => () }
            }
            Err(error) => {
                metrics::counter!("madang_reaction_failures_total", "reaction" => reaction.name()).increment(1);
                tracing::warn!(
                    reaction = reaction.name(),
                    error,
                    pause_ms = pause.as_millis(),
                    "a reaction failed; it is tried again"
                );
                tokio::select! { () = tokio::time::sleep(pause) => (), () = cancel.cancelled() => () }
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// Reacts to the next batch; says whether there was one. What succeeded before a failure is kept.
async fn advance(
    log: &dyn EventLog,
    reaction: &dyn Reaction,
    at: &mut Option<Cursor>,
    cancel: &CancellationToken,
) -> Result<bool, String> {
    let text = |error: EventLogError| error.to_string();
    let start = match *at {
        Some(cursor) => cursor,
        None => log.cursor(reaction.name()).await.map_err(text)?,
    };
    *at = Some(start);
    let facts = log.read(start, BATCH).await.map_err(text)?;
    let mut reached = start;
    let mut failure = None;
    for fact in &facts {
        if cancel.is_cancelled() {
            break;
        }
        if let Err(error) = caught(reaction.name(), reaction.react(fact)).await {
            failure = Some(format!("{} {}: {error}", fact.kind, fact.key));
            break;
        }
        reached = fact.cursor;
    }
    if reached != start {
        log.keep_cursor(reaction.name(), reached).await.map_err(text)?;
        *at = Some(reached);
    }
    failure.map_or(Ok(!facts.is_empty()), Err)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    };

    use async_trait::async_trait;
    use ports::{event_log::Fact, work::WorkError};
    use tokio::sync::Notify;

    use super::*;

    struct ThreeFacts(Mutex<Cursor>);

    #[async_trait]
    impl EventLog for ThreeFacts {
        async fn read(&self, after: Cursor, _: u32) -> Result<Vec<Fact>, EventLogError> {
            let fact = |id| Fact {
                cursor: Cursor { transaction: 0, id },
                kind: "k".into(),
                key: id.to_string(),
                payload: "{}".into(),
            };
            Ok((after.id + 1..=3).map(fact).collect())
        }
        async fn cursor(&self, _: &str) -> Result<Cursor, EventLogError> {
            Ok(*self.0.lock().unwrap())
        }
        async fn keep_cursor(&self, _: &str, cursor: Cursor) -> Result<(), EventLogError> {
            *self.0.lock().unwrap() = cursor;
            Ok(())
        }
        async fn trim(&self, _: kernel::Timestamp) -> Result<u64, EventLogError> {
            Ok(0)
        }
        async fn wait(&self, _: Duration) {
            std::future::pending().await
        }
    }

    #[derive(Default)]
    struct FailsAndPanicsAtTwo {
        seen: Mutex<Vec<i64>>,
        failures: AtomicU32,
        done: Notify,
    }

    #[async_trait]
    impl Reaction for FailsAndPanicsAtTwo {
        fn name(&self) -> &'static str {
            "test"
        }
        async fn react(&self, fact: &Fact) -> Result<(), WorkError> {
            if fact.cursor.id == 2 {
                match self.failures.fetch_add(1, Ordering::SeqCst) {
                    0 => return Err("not now".into()),
                    1 => panic!("not now either"),
                    _ => (),
                }
            }
            self.seen.lock().unwrap().push(fact.cursor.id);
            if fact.cursor.id == 3 {
                self.done.notify_one();
            }
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_fact_is_tried_again_and_nothing_is_skipped() {
        let log = Arc::new(ThreeFacts(Mutex::default()));
        let reaction = Arc::new(FailsAndPanicsAtTwo::default());
        let cancel = CancellationToken::new();
        let following = tokio::spawn(follow(log.clone(), reaction.clone(), Right::undisputed(), cancel.clone()));
        reaction.done.notified().await;
        cancel.cancel();
        following.await.unwrap();
        assert_eq!(*reaction.seen.lock().unwrap(), [1, 2, 3]);
        assert_eq!(log.0.lock().unwrap().id, 3);
    }
}
