//! When connections and subscriptions run out unless they are refreshed.

use std::time::Duration;

use kernel::Timestamp;
use tokio::time::Instant;

use crate::protocol::Lifetime;

/// What is told the client of an expiry, and when it is over without a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expiry {
    pub(super) lifetime: Lifetime,
    pub(super) over_at: Option<Instant>,
}

/// It has run out already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunOut;

impl Expiry {
    /// The expiry at `expires_at` (none: never), seen from now. A client gets `grace` beyond it for its refresh.
    pub(super) fn new(expires_at: Option<Timestamp>, now: Timestamp, grace: Duration) -> Result<Self, RunOut> {
        let Some(expires_at) = expires_at else { return Ok(Self { lifetime: Lifetime(None), over_at: None }) };
        let left = u64::try_from(expires_at.millis_since(now)).ok().filter(|left| *left > 0).ok_or(RunOut)?;
        let seconds = u32::try_from(left / 1_000).unwrap_or(u32::MAX).max(1);
        // What is too far away to be counted is never.
        let over_at = Instant::now().checked_add(Duration::from_millis(left).saturating_add(grace));
        Ok(Self { lifetime: Lifetime(Some(seconds)), over_at })
    }
}

/// The earlier of two moments, of which each may be never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_told_and_what_is_over_is_refused() {
        let at = Timestamp::from_millis;
        let expiry = |expires_at| Expiry::new(expires_at, at(10_000), Duration::from_secs(25));
        assert_eq!(expiry(None), Ok(Expiry { lifetime: Lifetime(None), over_at: None }));
        assert_eq!(expiry(Some(at(12_999))).unwrap().lifetime, Lifetime(Some(2)));
        assert_eq!(expiry(Some(at(10_001))).unwrap().lifetime, Lifetime(Some(1)));
        assert_eq!(expiry(Some(at(i64::MAX))).unwrap().lifetime, Lifetime(Some(u32::MAX)));
        assert_eq!((expiry(Some(at(10_000))), expiry(Some(at(0)))), (Err(RunOut), Err(RunOut)));
        let soon = expiry(Some(at(11_000))).unwrap().over_at.unwrap() - Instant::now();
        assert!(soon <= Duration::from_secs(26) && soon > Duration::from_secs(20));
    }
}
