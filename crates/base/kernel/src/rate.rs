//! How often something may be done, and the limiter that holds callers to it.

use std::{fmt, hash::Hash, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Adjustable, Timestamp, recent::Recent};

/// "At most `count` in `period_ms`", written `20/30s`, `10/min`, `5/h`, or `off` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// No limit.
    Off,
    /// A limit.
    AtMost {
        /// How many.
        count: NonZeroU32,
        /// In how many milliseconds.
        period_ms: u64,
    },
}

impl Rate {
    /// The same period with `factor` times as many.
    pub fn times(self, factor: NonZeroU32) -> Self {
        match self {
            Self::Off => Self::Off,
            Self::AtMost { count, period_ms } => Self::AtMost { count: count.saturating_mul(factor), period_ms },
        }
    }

    /// Counts `amount` at `now` for one caller whose allowance is spent until `spent_until_us` (microseconds since the
    /// Unix epoch; 0 for a new caller): until when it is spent then, or when the amount may come. An amount above the
    /// whole count never may. (GCRA, ITU-T I.371.)
    ///
    /// An allowance is never spent for longer than a period ahead. One that seems to be was counted before the clock was
    /// set back: then this amount is granted, and the allowance is spent for a period from `now` on.
    pub fn spend(self, spent_until_us: i64, amount: u32, now: Timestamp) -> Result<i64, TooOften> {
        let Self::AtMost { period_ms, .. } = self else { return Ok(spent_until_us) };
        let period_us = i64::try_from(period_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let now_us = now.as_millis().saturating_mul(1_000);
        let spent_us = self.each_us().saturating_mul(i64::from(amount));
        let furthest_us = now_us.saturating_add(period_us);
        let spent_until_us =
            if spent_until_us > furthest_us { furthest_us.saturating_sub(spent_us) } else { spent_until_us };
        let after_this = spent_until_us.max(now_us).saturating_add(spent_us);
        let excess_us = after_this.saturating_sub(now_us).saturating_sub(period_us);
        if excess_us > 0 {
            return Err(TooOften { retry_after_ms: excess_us.unsigned_abs().div_ceil(1_000) });
        }
        Ok(after_this)
    }

    fn each_us(self) -> i64 {
        let Self::AtMost { count, period_ms } = self else { return 0 };
        let period_us = i64::try_from(period_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        (period_us / i64::from(count.get())).max(1)
    }
}

/// What is wrong with a text that should have been a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rate: write for instance 20/30s, 10/min, 5/h, or off")]
pub struct InvalidRate(pub String);

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        parse(text.trim()).ok_or_else(|| InvalidRate(text.chars().take(32).collect()))
    }
}

fn parse(text: &str) -> Option<Rate> {
    if text == "off" {
        return Some(Rate::Off);
    }
    let (count, period) = text.split_once('/')?;
    let digits = period.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = period.split_at_checked(digits)?;
    let number: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let period_ms = number.checked_mul(unit_ms).filter(|period| (1..=MAX_PERIOD_MS).contains(period))?;
    Some(Rate::AtMost { count: count.parse().ok()?, period_ms })
}

/// The longest period: a week.
const MAX_PERIOD_MS: u64 = 7 * 24 * 3_600_000;

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::AtMost { count, period_ms: 3_600_000 } => write!(f, "{count}/h"),
            Self::AtMost { count, period_ms: 60_000 } => write!(f, "{count}/min"),
            Self::AtMost { count, period_ms: 1_000 } => write!(f, "{count}/s"),
            Self::AtMost { count, period_ms } if period_ms % 1_000 == 0 => write!(f, "{count}/{}s", period_ms / 1_000),
            Self::AtMost { count, period_ms } => write!(f, "{count}/{period_ms}ms"),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Too often: when the next one is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// Milliseconds until then.
    pub retry_after_ms: u64,
}

impl TooOften {
    /// Whole seconds until then, for `Retry-After`; at least one.
    pub fn retry_after_s(self) -> u64 {
        self.retry_after_ms.div_ceil(1_000).max(1)
    }
}

/// Holds each key to one rate, in bounded memory: the whole count may come at once, after that one each
/// `period / count`. Keys idle for longest are forgotten first. When the rate changes, what a key has spent stays spent,
/// but never for longer than a period of the new rate.
#[derive(Debug, Clone)]
pub struct RateLimiter<K> {
    rate: Adjustable<Rate>,
    /// Until when each key's allowance is spent, in microseconds since the Unix epoch.
    spent_until_us: Recent<K, i64>,
}

impl<K: Hash + Eq> RateLimiter<K> {
    /// A limiter for at most `capacity` keys.
    pub fn new(rate: Adjustable<Rate>, capacity: usize) -> Self {
        Self { rate, spent_until_us: Recent::new(capacity) }
    }

    /// Counts one for `key`, or says when it may come again; a refused one is not counted.
    pub fn take(&mut self, key: K, now: Timestamp) -> Result<(), TooOften> {
        self.take_many(key, 1, now)
    }

    /// Counts `amount` at once for `key`, or none of them and says when they may come.
    pub fn take_many(&mut self, key: K, amount: u32, now: Timestamp) -> Result<(), TooOften> {
        let rate = self.rate.get();
        if rate == Rate::Off {
            return Ok(());
        }
        let spent_until_us = self.spent_until_us.get(&key).copied().unwrap_or_default();
        let after_this = rate.spend(spent_until_us, amount, now)?;
        self.spent_until_us.insert(key, after_this);
        Ok(())
    }

    /// Gives `amount` back that was counted for `key` in vain.
    pub fn give_back(&mut self, key: &K, amount: u32) {
        let given_back = self.rate.get().each_us().saturating_mul(i64::from(amount));
        if let Some(spent_until_us) = self.spent_until_us.get(key) {
            *spent_until_us = spent_until_us.saturating_sub(given_back);
        }
    }

    /// Gives `key` its whole allowance back.
    pub fn forgive(&mut self, key: &K) {
        self.spent_until_us.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_as_they_are_written() {
        for (text, count, period_ms) in [("20/30s", 20, 30_000), ("10/min", 10, 60_000), ("5/2h", 5, 7_200_000)] {
            let count = NonZeroU32::new(count).unwrap();
            assert_eq!(text.parse(), Ok(Rate::AtMost { count, period_ms }), "{text}");
        }
        for text in ["20/30s", "10/min", "5/h", "7/s", "3/250ms", "off"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("off".parse(), Ok(Rate::Off));
        for bad in ["", "10", "0/s", "-1/s", "10/0s", "10/s/s", "10/day", "99999999999/s", "1/9999h", "1/가"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_allowance_comes_at_once_and_then_grows_back_evenly() {
        let mut limiter = RateLimiter::new("3/30s".parse().unwrap(), 100);
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        assert_eq!((0..3).filter(|_| limiter.take("a", at(0)).is_ok()).count(), 3);
        assert_eq!(limiter.take("a", at(1_000)), Err(TooOften { retry_after_ms: 9_000 }));
        assert_eq!(limiter.take("b", at(1_000)), Ok(()));
        assert_eq!(limiter.take("a", at(10_000)), Ok(()));
        assert!(limiter.take("a", at(10_000)).is_err());
        limiter.forgive(&"a");
        assert_eq!(limiter.take("a", at(10_000)), Ok(()));
        assert_eq!(limiter.take_many("c", 4, at(0)), Err(TooOften { retry_after_ms: 10_000 }));
        assert_eq!(limiter.take_many("c", 3, at(0)), Ok(()));
        limiter.give_back(&"c", 2);
        assert_eq!(limiter.take_many("c", 2, at(0)), Ok(()));
        assert!(limiter.take("c", at(0)).is_err());
        let mut off = RateLimiter::new(Rate::Off.into(), 2);
        assert!((0..1_000).all(|_| off.take("a", at(0)).is_ok()));
    }

    #[test]
    fn a_rate_that_changes_holds_for_the_next_one() {
        let rate: Adjustable<Rate> = "2/h".parse().unwrap();
        let mut limiter = RateLimiter::new(rate.clone(), 100);
        let at = |ms: i64| Timestamp::from_millis(10_000_000 + ms);
        assert!(limiter.take("a", at(0)).is_ok() && limiter.take("a", at(0)).is_ok());
        assert!(limiter.take("a", at(1)).is_err());
        rate.set("2/s".parse().unwrap());
        assert_eq!(limiter.take("a", at(2)), Ok(()), "nobody waits for longer than the new period");
        rate.set(Rate::Off);
        assert!((0..10).all(|_| limiter.take("a", at(3)).is_ok()));
        rate.set("1/min".parse().unwrap());
        assert!(limiter.take("b", at(4)).is_ok() && limiter.take("b", at(4)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_freezes_nobody() {
        let at = |ms: i64| Timestamp::from_millis(10_000_000 + ms);
        for back_ms in [-1, -5_000, -3_600_000] {
            let mut limiter = RateLimiter::new("3/30s".parse().unwrap(), 100);
            assert!((0..3).all(|_| limiter.take("a", at(0)).is_ok()));
            assert!(limiter.take_many("a", 4, at(back_ms)).is_err(), "more than the count never may");
            assert_eq!(limiter.take("a", at(back_ms)), Ok(()), "{back_ms}");
            assert_eq!(limiter.take("a", at(back_ms)), Err(TooOften { retry_after_ms: 10_000 }), "{back_ms}");
            assert_eq!(limiter.take("a", at(back_ms + 10_000)), Ok(()), "{back_ms}");
            assert!(limiter.take("a", at(back_ms + 19_999)).is_err(), "{back_ms}");
        }
    }
}
