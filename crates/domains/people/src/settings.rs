//! What an operator can set about people.

use kernel::{Adjustable, Rate};
use serde::Deserialize;

/// The settings of this domain; each has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether visitors can create accounts.
    pub registration_open: Adjustable<bool>,
    /// Sign-ups from one address.
    pub sign_up_rate: Adjustable<Rate>,
    /// Sign-ins from one address, right or wrong.
    pub sign_in_rate: Rate,
    /// Sign-ins to one handle from one address since the last right one, and password changes of one account. From all
    /// addresses together ten times as many.
    pub sign_in_rate_per_handle: Rate,
    /// Days after which a session that is not used ends.
    pub session_lifetime_days: u32,
    /// Sessions of one account; the one unused for longest ends when another begins.
    pub sessions_per_account: u32,
    /// Passwords hashed at the same time; each takes a thread and 19 MiB.
    pub hashing_threads: u32,
    /// Sign-ins and sign-ups that may wait for one of those threads; more are told to try again.
    pub hashing_queue: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            registration_open: true.into(),
            sign_up_rate: per_minute(60).into(),
            sign_in_rate: per_minute(60),
            sign_in_rate_per_handle: per_minute(10),
            session_lifetime_days: 30,
            sessions_per_account: 100,
            hashing_threads: 2,
            hashing_queue: 64,
        }
    }
}

fn per_minute(count: u32) -> Rate {
    std::num::NonZeroU32::new(count).map_or(Rate::Off, |count| Rate::AtMost { count, period_ms: 60_000 })
}

impl Settings {
    /// Milliseconds a session lives without being used.
    pub(crate) fn session_lifetime_ms(&self) -> i64 {
        i64::from(self.session_lifetime_days.max(1)) * 24 * 3_600_000
    }
}
