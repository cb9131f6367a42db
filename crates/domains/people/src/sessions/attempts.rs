//! Who tries how often to be somebody. Pure: no clock, no lock.

use std::{net::IpAddr, num::NonZeroU32};

use kernel::{Rate, RateLimiter, Timestamp, rate::TooOften};

use super::service::COUNTED;

/// From all networks together a handle may be tried so many times as often as from one.
const ALL_NETWORKS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Attempts since the last right one. A stranger who guesses spends the allowance of the network he guesses from, so that
/// the account's owner gets in from elsewhere; a crowd of strangers is held too.
pub(super) struct Attempts {
    /// By handle and network; without a network they are by somebody who is signed in.
    from_one: RateLimiter<(String, Option<IpAddr>)>,
    from_all: RateLimiter<String>,
}

impl Attempts {
    pub(super) fn new(rate: Rate) -> Self {
        let (from_one, from_all) =
            (RateLimiter::new(rate.into(), COUNTED), RateLimiter::new(rate.times(ALL_NETWORKS).into(), COUNTED));
        Self { from_one, from_all }
    }

    pub(super) fn count(&mut self, handle: &str, network: Option<IpAddr>, now: Timestamp) -> Result<(), TooOften> {
        self.from_one.take((handle.to_owned(), network), now)?;
        if network.is_some() { self.from_all.take(handle.to_owned(), now) } else { Ok(()) }
    }

    pub(super) fn forgive(&mut self, handle: &str, network: Option<IpAddr>) {
        self.from_one.forgive(&(handle.to_owned(), network));
        self.from_all.forgive(&handle.to_owned());
    }
}
