//! The subscribers of one channel.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Member;

/// Who is subscribed. Behind a lock of its own: waking many does not hold up the next publication.
pub(super) struct Members(Mutex<State>);

struct State {
    by_number: HashMap<u64, Arc<Member>>,
    /// How many of them each user has.
    users: HashMap<String, u32>,
    empty_since: Instant,
}

impl Members {
    pub(super) fn none() -> Self {
        let empty_since = Instant::now();
        Self(Mutex::new(State { by_number: HashMap::new(), users: HashMap::new(), empty_since }))
    }

    pub(super) fn join(&self, member: Arc<Member>) {
        let mut state = self.state();
        *state.users.entry(member.user().to_owned()).or_default() += 1;
        state.by_number.insert(member.number(), member);
    }

    pub(super) fn leave(&self, member: &Member) {
        let mut state = self.state();
        state.by_number.remove(&member.number());
        if let Some(count) = state.users.get_mut(member.user()) {
            *count -= 1;
            if *count == 0 {
                state.users.remove(member.user());
            }
        }
        state.empty_since = Instant::now();
    }

    /// Wakes all of them; how many they are.
    pub(super) fn wake(&self) -> usize {
        let state = self.state();
        state.by_number.values().for_each(|member| member.wake());
        state.by_number.len()
    }

    /// All of them, unless there are more than `limit`.
    pub(super) fn list(&self, limit: usize) -> Option<Vec<Arc<Member>>> {
        let state = self.state();
        (state.by_number.len() <= limit).then(|| state.by_number.values().cloned().collect())
    }

    /// How many connections and how many different users; anonymous visitors are one user.
    pub(super) fn count(&self) -> (u64, u64) {
        let state = self.state();
        (state.by_number.len() as u64, state.users.len() as u64)
    }

    /// Since when there are none.
    pub(super) fn empty_for(&self) -> Option<Duration> {
        let state = self.state();
        state.by_number.is_empty().then(|| state.empty_since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
