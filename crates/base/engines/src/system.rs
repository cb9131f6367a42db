//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use kernel::{Clock, Timestamp};

/// The system's wall clock. It may step; what needs order has its own counter.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
