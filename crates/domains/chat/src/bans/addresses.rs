//! Which address an account wrote from last, per channel: in the memory of the process it wrote through, for a day.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use kernel::{AccountId, Timestamp, caller::network, recent::Recent};

/// Accounts whose address is known.
const KNOWN_MAX: usize = 50_000;
/// How long an address is known, in milliseconds: a day.
const KNOWN_MS: i64 = 24 * 60 * 60 * 1_000;

/// The addresses of those who wrote lately.
pub(crate) struct AuthorAddresses(Mutex<Recent<(AccountId, AccountId), (IpAddr, Timestamp)>>);

impl Default for AuthorAddresses {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(KNOWN_MAX)))
    }
}

impl AuthorAddresses {
    /// The account wrote in the channel of `host`.
    pub(crate) fn wrote(&self, host: AccountId, account: AccountId, address: IpAddr, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((host, account), (network(address), now));
    }

    /// From where the account wrote last in the channel of `host`, if that was within a day.
    pub(super) fn of(&self, host: AccountId, account: AccountId, now: Timestamp) -> Option<IpAddr> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (address, at) = known.get(&(host, account)).copied()?;
        if now.millis_since(at).abs() < KNOWN_MS {
            return Some(address);
        }
        known.remove(&(host, account));
        None
    }

    /// How many are known.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Forgets what is known for longer than a day.
    pub(super) fn forget_old(&self, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, at)| now.millis_since(*at).abs() < KNOWN_MS);
    }
}
