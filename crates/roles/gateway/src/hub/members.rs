//! The subscribers of one channel.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ports::about::ClientInfo;

use super::Member;
use crate::needs::ChannelRules;

/// Who is subscribed. Behind a lock of its own: waking many does not hold up the next publication.
pub(super) struct Members(Mutex<State>);

struct State {
    /// In the order in which they connected: so a round meets what is kept of them side by side, here and in the kernel.
    by_number: BTreeMap<u64, Subscriber>,
    /// How many of them each user has.
    users: HashMap<Arc<str>, u32>,
    /// Those that were asked for last.
    rules: Option<Arc<ChannelRules>>,
    empty_since: Instant,
}

struct Subscriber {
    member: Arc<Member>,
    rules: Arc<ChannelRules>,
}

impl Members {
    pub(super) fn none() -> Self {
        let empty_since = Instant::now();
        Self(Mutex::new(State { by_number: BTreeMap::new(), users: HashMap::new(), rules: None, empty_since }))
    }

    /// The rules, in the place where the same ones are already, if they are those that were asked for last.
    pub(super) fn share(&self, rules: ChannelRules) -> Arc<ChannelRules> {
        let mut state = self.state();
        match &state.rules {
            Some(same) if **same == rules => same.clone(),
            _ => state.rules.insert(Arc::new(rules)).clone(),
        }
    }

    pub(super) fn join(&self, member: Arc<Member>, rules: Arc<ChannelRules>) {
        let mut state = self.state();
        if let Some(user) = member.user() {
            *state.users.entry(user.clone()).or_default() += 1;
        }
        state.by_number.insert(member.number(), Subscriber { member, rules });
    }

    /// Takes other rules for a subscriber.
    pub(super) fn update(&self, member: &Member, rules: Arc<ChannelRules>) {
        if let Some(subscriber) = self.state().by_number.get_mut(&member.number()) {
            subscriber.rules = rules;
        }
    }

    pub(super) fn leave(&self, member: &Member) {
        let mut state = self.state();
        state.by_number.remove(&member.number());
        if let Some(user) = member.user()
            && let Some(count) = state.users.get_mut(user)
        {
            *count -= 1;
            if *count == 0 {
                state.users.remove(user);
            }
        }
        state.empty_since = Instant::now();
    }

    pub(super) fn len(&self) -> usize {
        self.state().by_number.len()
    }

    /// All of them. To reach them takes a while, in which others may come and go.
    pub(super) fn all(&self) -> Vec<Arc<Member>> {
        self.state().by_number.values().map(|subscriber| subscriber.member.clone()).collect()
    }

    /// All of them, unless there are more than `limit`.
    pub(super) fn list(&self, limit: usize) -> Option<Vec<ClientInfo>> {
        let state = self.state();
        let infos = || state.by_number.values().filter_map(|subscriber| subscriber.info());
        (state.by_number.len() <= limit).then(|| infos().collect())
    }

    /// How many connections and how many different users; anonymous visitors are one user.
    pub(super) fn count(&self) -> (u64, u64) {
        let state = self.state();
        (state.by_number.len() as u64, state.users.len() as u64)
    }

    /// The different users, unless there are more than `limit`.
    pub(super) fn users(&self, limit: usize) -> Option<Vec<Arc<str>>> {
        let state = self.state();
        (state.users.len() <= limit).then(|| state.users.keys().cloned().collect())
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

impl Subscriber {
    fn info(&self) -> Option<ClientInfo> {
        Some(self.member.client()?.info(Some(&self.rules)))
    }
}
