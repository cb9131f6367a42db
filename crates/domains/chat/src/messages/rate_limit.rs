//! How fast an account may write: at most so many in any window, counted exactly.
//!
//! A clock that is set back freezes nobody: what was counted later than now counts as now.
//!
//! Bounded: per account the moments of its latest messages up to the limit; accounts that were silent for a window are
//! forgotten. May lose: everything at a restart; then each account starts afresh.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use kernel::{AccountId, Adjustable, Rate, Timestamp};

/// The host writes so many times as much.
const HOST_FACTOR: usize = 5;
/// Accounts that are remembered without looking for those to forget.
const FORGET_FROM: usize = 1_024;

#[derive(Debug)]
pub(super) struct RateLimit {
    rate: Adjustable<Rate>,
    senders: Mutex<Senders>,
}

#[derive(Debug, Default)]
struct Senders {
    moments: HashMap<AccountId, VecDeque<Timestamp>>,
    forget_at: usize,
}

impl RateLimit {
    pub(super) fn new(rate: Adjustable<Rate>) -> Self {
        Self { rate, senders: Mutex::default() }
    }

    /// Counts a message; when it is one too many, says after how many seconds the next one fits.
    pub(super) fn take(&self, account: AccountId, host: bool, now: Timestamp) -> Result<(), u64> {
        let Rate::AtMost { count, period_ms } = self.rate.get() else { return Ok(()) };
        let (window_ms, count) = (period_ms.cast_signed(), count.get() as usize);
        let limit = if host { count * HOST_FACTOR } else { count };
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.forget_silent(now, window_ms);
        let moments = senders.moments.entry(account).or_default();
        // Not dropped: messages that come together may be counted out of order.
        moments.iter_mut().rev().take_while(|moment| **moment > now).for_each(|moment| *moment = now);
        while moments.front().is_some_and(|moment| now.millis_since(*moment) >= window_ms) {
            moments.pop_front();
        }
        if let Some(first) = moments.len().checked_sub(limit).and_then(|place| moments.get(place)) {
            let wait_ms = first.plus_millis(window_ms).millis_since(now).clamp(1, window_ms);
            return Err((wait_ms as u64).div_ceil(1_000));
        }
        moments.push_back(now);
        Ok(())
    }

    /// Takes the message counted at `moment` back: it was a resend, or could not be kept.
    pub(super) fn give_back(&self, account: AccountId, moment: Timestamp) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moments) = senders.moments.get_mut(&account)
            && let Some(place) = moments.iter().rposition(|one| *one <= moment)
        {
            moments.remove(place);
        }
    }
}

impl Senders {
    /// Looks only when the number has doubled, so that it costs little per message.
    fn forget_silent(&mut self, now: Timestamp, window_ms: i64) {
        if self.moments.len() < self.forget_at.max(FORGET_FROM) {
            return;
        }
        let recent = |latest: &Timestamp| now.millis_since(*latest).saturating_abs() < window_ms;
        self.moments.retain(|_, moments| moments.back().is_some_and(recent));
        self.forget_at = 2 * self.moments.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + ms)
    }

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let limit = RateLimit::new("3/10s".parse().unwrap());
        let (someone, other) = (AccountId::from_raw(1), AccountId::from_raw(2));
        for ms in [0, 4_000, 8_000] {
            assert_eq!(limit.take(someone, false, at(ms)), Ok(()));
        }
        assert_eq!(limit.take(someone, false, at(8_500)), Err(2));
        assert_eq!(limit.take(other, false, at(8_500)), Ok(()));
        assert_eq!(limit.take(someone, false, at(9_999)), Err(1));
        assert_eq!(limit.take(someone, false, at(10_000)), Ok(()));
        assert_eq!(limit.take(someone, false, at(10_000)), Err(4));
        limit.give_back(someone, at(10_000));
        assert_eq!(limit.take(someone, false, at(10_001)), Ok(()));
    }

    #[test]
    fn the_host_writes_five_times_as_much_and_off_is_no_limit() {
        let limit = RateLimit::new("2/10s".parse().unwrap());
        let host = AccountId::from_raw(1);
        assert_eq!((0..20).filter(|_| limit.take(host, true, at(0)).is_ok()).count(), 10);
        assert_eq!(limit.take(host, false, at(0)), Err(10), "in another room the host is a guest");
        let off = RateLimit::new(Rate::Off.into());
        assert!((0..1_000).all(|_| off.take(host, false, at(0)).is_ok()));
    }

    #[test]
    fn a_clock_that_is_set_back_freezes_nobody() {
        let limit = RateLimit::new("3/10s".parse().unwrap());
        let someone = AccountId::from_raw(1);
        assert!((0..3).all(|_| limit.take(someone, false, at(0)).is_ok()));
        let back_ms = -900_000;
        assert_eq!(limit.take(someone, false, at(back_ms)), Err(10));
        assert_eq!(limit.take(someone, false, at(back_ms + 9_999)), Err(1));
        assert!((0..3).all(|_| limit.take(someone, false, at(back_ms + 10_000)).is_ok()));
        assert_eq!(limit.take(someone, false, at(back_ms + 10_000)), Err(10));
        limit.give_back(someone, at(0));
        assert_eq!(limit.take(someone, false, at(back_ms + 10_000)), Ok(()), "counted at a moment that was moved");
    }

    #[test]
    fn silent_accounts_are_forgotten() {
        let limit = RateLimit::new("20/30s".parse().unwrap());
        for number in 0..10_000 {
            let _ = limit.take(AccountId::from_raw(number + 1), false, at(number * 1_000));
        }
        assert!(limit.senders.lock().unwrap().moments.len() <= FORGET_FROM);
        for number in 0..10_000 {
            let _ = limit.take(AccountId::from_raw(number + 1), false, at((number - 20_000) * 1_000));
        }
        assert!(limit.senders.lock().unwrap().moments.len() <= FORGET_FROM, "also after the clock was set back");
    }
}
