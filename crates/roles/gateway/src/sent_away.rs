//! Sessions that were moved to other gateways: for a while this one does not take them back.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// For how long. A client tries several gateways in that time, one after the other, with pauses that grow.
const FOR: Duration = Duration::from_secs(10);
/// How many there are at the most; more are not moved.
const SESSIONS_MAX: usize = 10_000;

/// Those sessions, and until when.
#[derive(Default)]
pub(crate) struct SentAway(Mutex<HashMap<i64, Instant>>);

impl SentAway {
    /// Takes a session down from now on; false when there are too many of them.
    pub(crate) fn add(&self, session: i64) -> bool {
        let now = Instant::now();
        let mut sessions = self.sessions();
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, until| *until > now);
        }
        let fits = sessions.len() < SESSIONS_MAX || sessions.contains_key(&session);
        if fits {
            sessions.insert(session, now + FOR);
        }
        fits
    }

    /// Whether the session has to go elsewhere.
    pub(crate) fn has(&self, session: i64) -> bool {
        let mut sessions = self.sessions();
        let has = sessions.get(&session).is_some_and(|until| *until > Instant::now());
        if !has {
            sessions.remove(&session);
        }
        has
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<i64, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_may_come_back_after_a_while_and_makes_room_for_others() {
        let away = SentAway::default();
        assert!((0..SESSIONS_MAX as i64).all(|session| away.add(session)));
        assert!(!away.add(-1) && away.add(1), "there is room for no other one");
        assert!(away.has(1) && !away.has(-1));
        tokio::time::advance(FOR).await;
        assert!(!away.has(1) && away.add(-1));
    }
}
