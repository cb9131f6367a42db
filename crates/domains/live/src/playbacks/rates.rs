//! Rates per key for routes that many threads run at once.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use kernel::{Adjustable, Rate, RateLimiter, Timestamp, rate::TooOften};

const SHARDS: usize = 16;
/// Keys remembered at the most; those idle for longest are forgotten first.
const KEYS_MAX: usize = 128 * 1024;

/// A rate per key; keys are spread over several locks.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    rate: Adjustable<Rate>,
    hasher: RandomState,
    shards: [Mutex<RateLimiter<K>>; SHARDS],
}

impl<K: Hash + Eq + Copy> Rates<K> {
    /// Holds each key to `rate`.
    pub(crate) fn new(rate: Adjustable<Rate>) -> Self {
        let shards = std::array::from_fn(|_| Mutex::new(RateLimiter::new(rate.clone(), KEYS_MAX / SHARDS)));
        Self { rate, hasher: RandomState::new(), shards }
    }

    /// Counts `amount` for `key`, or none of them and says when they may come.
    pub(crate) fn take(&self, key: K, amount: u32, now: Timestamp) -> Result<(), TooOften> {
        if self.rate.get() == Rate::Off { Ok(()) } else { self.shard(&key).take_many(key, amount, now) }
    }

    /// Gives `amount` back that was counted for `key` in vain.
    pub(crate) fn give_back(&self, key: K, amount: u32) {
        self.shard(&key).give_back(&key, amount);
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, RateLimiter<K>> {
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
