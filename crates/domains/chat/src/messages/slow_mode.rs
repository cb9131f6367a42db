//! Slow mode: when each account may write again in each room.
//!
//! Bounded: the latest 100,000 pairs of room and account. May lose: everything at a restart; then everybody may write once.

use std::sync::{Mutex, PoisonError};

use kernel::{AccountId, BroadcastId, Timestamp, recent::Recent};

/// Pairs of room and account that are remembered.
const KNOWN_MAX: usize = 100_000;

pub(super) struct SlowMode(Mutex<Recent<(BroadcastId, AccountId), Timestamp>>);

impl Default for SlowMode {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(KNOWN_MAX)))
    }
}

impl SlowMode {
    /// Counts a message of the account, or says after how many seconds it may write. Counts when slow mode is off, too,
    /// because it may be switched on a moment later. A clock that is set back makes nobody wait longer than `every_s`.
    pub(super) fn take(
        &self,
        broadcast: BroadcastId,
        account: AccountId,
        every_s: u32,
        now: Timestamp,
    ) -> Result<Taken, u64> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (broadcast, account);
        let before = latest.get(&key).copied();
        if let Some(before) = before
            && every_s > 0
        {
            let since_ms = now.millis_since(before.min(now));
            let wait_ms = i64::from(every_s) * 1_000 - since_ms;
            if wait_ms > 0 {
                // What was written later than now was written before the clock was set back.
                latest.insert(key, before.min(now));
                return Err(wait_ms.unsigned_abs().div_ceil(1_000));
            }
        }
        latest.insert(key, now);
        Ok(Taken { key, before })
    }

    /// Takes a counted message back: it was a resend, or could not be kept.
    pub(super) fn give_back(&self, taken: Taken) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.before {
            Some(before) => latest.insert(taken.key, before),
            None => {
                latest.remove(&taken.key);
            }
        }
    }
}

/// A counted message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    key: (BroadcastId, AccountId),
    before: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_in_so_many_seconds() {
        let slow = SlowMode::default();
        let room = BroadcastId::from_raw(1);
        let (one, other) = (AccountId::from_raw(1), AccountId::from_raw(2));
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        let taken = slow.take(room, one, 0, at(0)).unwrap();
        assert_eq!(slow.take(room, one, 10, at(500)).unwrap_err(), 10, "counted while it was off");
        assert!(slow.take(room, other, 10, at(500)).is_ok());
        assert!(slow.take(BroadcastId::from_raw(2), one, 10, at(500)).is_ok());
        slow.give_back(taken);
        let taken = slow.take(room, one, 10, at(1_000)).unwrap();
        assert_eq!(slow.take(room, one, 10, at(10_999)).unwrap_err(), 1);
        let later = slow.take(room, one, 10, at(11_000)).unwrap();
        slow.give_back(later);
        assert!(slow.take(room, one, 10, at(11_000)).is_ok(), "{taken:?}");
        assert_eq!(slow.take(room, one, 10, at(-900_000)).unwrap_err(), 10, "the clock was set back");
        assert!(slow.take(room, one, 10, at(-890_000)).is_ok());
    }
}
