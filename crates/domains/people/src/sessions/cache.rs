//! Identities that were looked up a moment ago.
//!
//! Promise: bounded; an entry is believed for as long as was said, and no longer; what this process ended is dropped at once, also when a
//! look-up that began before is still on its way.

use std::sync::{Mutex, PoisonError};

use kernel::{AccountId, Identity, Timestamp, recent::Recent};

use super::model::Known;
use crate::tokens::TokenHash;

const IDENTITIES: usize = 20_000;

/// The cache.
pub(crate) struct IdentityCache {
    believed_ms: i64,
    state: Mutex<State>,
}

struct State {
    entries: Recent<TokenHash, (Known, Timestamp)>,
    /// Grows with each drop, so that a look-up from before it is not kept.
    drops: u64,
}

/// How many drops there had been when a look-up began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before(u64);

impl IdentityCache {
    /// A cache that believes an entry for so many milliseconds.
    pub(crate) fn new(believed_ms: i64) -> Self {
        Self { believed_ms, state: Mutex::new(State { entries: Recent::new(IDENTITIES), drops: 0 }) }
    }

    /// The identity, or what to hand to `keep` after looking it up.
    pub(crate) fn get(&self, token: &TokenHash, now: Timestamp) -> Result<Identity, Before> {
        let mut state = self.lock();
        match state.entries.get(token) {
            Some((known, at)) if (0..self.believed_ms).contains(&now.millis_since(*at)) && known.expires_at > now => {
                Ok(known.identity.clone())
            }
            _ => Err(Before(state.drops)),
        }
    }

    /// Keeps what was looked up, unless something was dropped meanwhile.
    pub(crate) fn keep(&self, token: TokenHash, known: Known, now: Timestamp, before: Before) {
        let mut state = self.lock();
        if state.drops == before.0 {
            state.entries.insert(token, (known, now));
        }
    }

    /// Drops one session.
    pub(crate) fn drop_session(&self, token: &TokenHash) {
        let mut state = self.lock();
        state.drops += 1;
        state.entries.remove(token);
    }

    /// Drops every session of an account.
    pub(crate) fn drop_account(&self, account: AccountId) {
        let mut state = self.lock();
        state.drops += 1;
        state.entries.retain(|_, (known, _)| known.identity.account != account);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
