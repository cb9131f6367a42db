//! Slow mode: when each account may write again in each room.
//!
//! In memory, and where the site has several processes in a table as well, which all of them ask while slow mode is on: it has
//! the last word, and what it refuses is remembered here.
//!
//! Bounded: the latest 100,000 pairs of room and account in memory; the table forgets after the slowest mode. May lose: what is
//! in memory alone, at a restart, and to the other processes when slow mode is turned on; then everybody may write once.

use std::sync::{Mutex, PoisonError};

use kernel::{AccountId, BroadcastId, Timestamp, recent::Recent};
use ports::sql::Database;

use super::Error;
use super::store::{self, Key};

/// Pairs of room and account that are remembered.
const KNOWN_MAX: usize = 100_000;

pub(super) struct SlowMode {
    latest: Mutex<Recent<Key, Timestamp>>,
    /// Has the table that several processes hold together.
    together: Option<Database>,
}

impl SlowMode {
    /// For a process alone, or for one of several with this database.
    pub(super) fn new(together: Option<Database>) -> Self {
        Self { latest: Mutex::new(Recent::new(KNOWN_MAX)), together }
    }

    /// Counts a message of the account, or says after how many seconds it may write. Counts in memory when slow mode is off,
    /// too, because it may be switched on a moment later. A clock that is set back makes nobody wait longer than `every` seconds.
    pub(super) async fn take(
        &self,
        broadcast: BroadcastId,
        account: AccountId,
        every: u32,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        let key = (broadcast, account);
        let refused = |seconds| Error::SlowMode { every, seconds };
        let taken = self.take_here(key, every, now).map_err(refused)?;
        let Some(database) = self.together.as_ref().filter(|_| every > 0) else { return Ok(taken) };
        match store::write(database, key, i64::from(every) * 1_000, now).await {
            Ok(Ok(())) => Ok(Taken { together_at: Some(now), ..taken }),
            Ok(Err(before)) => {
                self.remember(key, Some(before));
                Err(refused(seconds_left(before, every, now).unwrap_or(1)))
            }
            Err(error) => {
                self.remember(key, taken.before);
                Err(error.into())
            }
        }
    }

    /// Takes a counted message back: it was a resend, or could not be kept.
    pub(super) async fn give_back(&self, taken: Taken) {
        self.remember(taken.key, taken.before);
        let (Some(database), Some(at)) = (&self.together, taken.together_at) else { return };
        if let Err(error) = store::take_back(database, taken.key, at).await {
            tracing::warn!(%error, "slow mode counts a message that was not posted");
        }
    }

    fn take_here(&self, key: Key, every: u32, now: Timestamp) -> Result<Taken, u64> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = latest.get(&key).copied();
        if let Some(before) = before
            && let Some(seconds) = seconds_left(before, every, now)
        {
            // What was written later than now was written before the clock was set back.
            latest.insert(key, before.min(now));
            return Err(seconds);
        }
        latest.insert(key, now);
        Ok(Taken { key, before, together_at: None })
    }

    fn remember(&self, key: Key, before: Option<Timestamp>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match before {
            Some(before) => latest.insert(key, before),
            None => {
                latest.remove(&key);
            }
        }
    }
}

/// After how many seconds an account may write that wrote at `before`; none: now.
fn seconds_left(before: Timestamp, every: u32, now: Timestamp) -> Option<u64> {
    let wait_ms = i64::from(every) * 1_000 - now.millis_since(before.min(now));
    (wait_ms > 0).then(|| wait_ms.unsigned_abs().div_ceil(1_000))
}

/// A counted message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    key: Key,
    before: Option<Timestamp>,
    /// When it was counted in the table, if it was.
    together_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_message_in_so_many_seconds() {
        let slow = SlowMode::new(None);
        let room = BroadcastId::from_raw(1);
        let (one, other) = (AccountId::from_raw(1), AccountId::from_raw(2));
        let take = async |room, account, every, ms: i64| {
            let taken = slow.take(room, account, every, Timestamp::from_millis(1_000_000 + ms)).await;
            taken.map_err(|error| match error {
                Error::SlowMode { every: 10, seconds } => seconds,
                other => panic!("{other:?}"),
            })
        };
        let taken = take(room, one, 0, 0).await.unwrap();
        assert_eq!(take(room, one, 10, 500).await.unwrap_err(), 10, "counted while it was off");
        assert!(take(room, other, 10, 500).await.is_ok());
        assert!(take(BroadcastId::from_raw(2), one, 10, 500).await.is_ok());
        slow.give_back(taken).await;
        let taken = take(room, one, 10, 1_000).await.unwrap();
        assert_eq!(take(room, one, 10, 10_999).await.unwrap_err(), 1);
        let later = take(room, one, 10, 11_000).await.unwrap();
        slow.give_back(later).await;
        assert!(take(room, one, 10, 11_000).await.is_ok(), "{taken:?}");
        assert_eq!(take(room, one, 10, -900_000).await.unwrap_err(), 10, "the clock was set back");
        assert!(take(room, one, 10, -890_000).await.is_ok());
    }
}
