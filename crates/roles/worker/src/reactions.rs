//! A reaction that follows the event log itself: one fact after the other, each until it succeeds.

use std::sync::Arc;

use async_trait::async_trait;
use ports::{event_log::Fact, work::Reaction};
use tokio_util::sync::CancellationToken;

use crate::{following::Follower, panics::caught};

/// One reaction.
pub(crate) struct OneByOne(pub(crate) Arc<dyn Reaction>);

#[async_trait]
impl Follower for OneByOne {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn take(&self, facts: &[Fact], cancel: &CancellationToken) -> (usize, Option<String>) {
        for (done, fact) in facts.iter().enumerate() {
            if cancel.is_cancelled() {
                return (done, None);
            }
            if let Err(error) = react(&*self.0, fact).await {
                return (done, Some(error));
            }
        }
        (facts.len(), None)
    }
}

/// Reacts to a fact, if it is of a kind the reaction knows.
pub(crate) async fn react(reaction: &dyn Reaction, fact: &Fact) -> Result<(), String> {
    if !reaction.kinds().iter().any(|kind| *kind == fact.kind) {
        return Ok(());
    }
    let done = caught(reaction.name(), reaction.react(fact)).await;
    done.map_err(|error| format!("{} {}: {error}", fact.kind, fact.key))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    use kernel::Timestamp;
    use ports::{
        event_log::{Cursor, EventLog, EventLogError},
        work::WorkError,
    };
    use tokio::sync::Notify;

    use super::*;
    use crate::{delay::Delay, following::Following, tenure::Right, tests::Noon};

    struct ThreeFacts(Mutex<Cursor>);

    #[async_trait]
    impl EventLog for ThreeFacts {
        async fn read(&self, after: Cursor, _: u32) -> Result<Vec<Fact>, EventLogError> {
            let fact = |id| Fact {
                cursor: Cursor { transaction: 0, id },
                kind: "k".into(),
                key: id.to_string(),
                payload: "{}".into(),
                at: Timestamp::from_millis(0),
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
        async fn forget_cursor(&self, _: &str) -> Result<(), EventLogError> {
            Ok(())
        }
        async fn trim(&self, _: Timestamp) -> Result<u64, EventLogError> {
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
        fn kinds(&self) -> &'static [&'static str] {
            &["k"]
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
        let look_after = Duration::from_secs(1);
        let following =
            Following { log: log.clone(), look_after, delay: Delay(Arc::new(Noon)), cancel: cancel.clone() };
        let following = tokio::spawn(following.follow(OneByOne(reaction.clone()), Right::undisputed()));
        reaction.done.notified().await;
        cancel.cancel();
        following.await.unwrap();
        assert_eq!(*reaction.seen.lock().unwrap(), [1, 2, 3]);
        assert_eq!(log.0.lock().unwrap().id, 3);
    }
}
