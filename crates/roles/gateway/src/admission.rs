//! How many connections there may be, in all and from one address. Who finds no place is told to come back after a time of
//! its own, so that a crowd that was refused together does not return together.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{Problem, caller::network, returning::ReturnTimes};

/// Counts connections.
pub(crate) struct Admission {
    connections_max: usize,
    per_address_max: usize,
    return_times: ReturnTimes,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    /// By the network an address belongs to.
    by_network: HashMap<IpAddr, usize>,
}

/// One connection's place; free again when dropped.
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    network: IpAddr,
}

impl Admission {
    /// `seed` decides who is told to come back when.
    pub(crate) fn new(connections_max: usize, per_address_max: usize, seed: u64) -> Self {
        let return_times = ReturnTimes::new(seed);
        Self { connections_max, per_address_max, return_times, counts: Mutex::default() }
    }

    /// A place for one more connection from `address`. Addresses of one IPv6 /64 are one: a customer has them all.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, Problem> {
        let mut counts = self.counts();
        if counts.all >= self.connections_max {
            let detail = format!("All {} connections of this server are taken.", self.connections_max);
            let full = Problem::unavailable("too_many_connections", detail);
            return Err(full.retry_after(self.return_times.next_s()));
        }
        let (address, network) = (address.to_canonical(), network(address));
        let held_to_limit = !address.is_loopback() && !address.is_unspecified();
        let from_here = counts.by_network.get(&network).copied().unwrap_or_default();
        if held_to_limit && from_here >= self.per_address_max {
            let detail = format!("At most {} connections from one address.", self.per_address_max);
            let full = Problem::too_many("address_connections", detail);
            return Err(full.retry_after(self.return_times.next_s()));
        }
        counts.by_network.insert(network, from_here + 1);
        counts.all += 1;
        Ok(Admitted { admission: self.clone(), network })
    }

    /// How many there are now.
    pub(crate) fn count(&self) -> usize {
        self.counts().all
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.all -= 1;
        if let Some(from_here) = counts.by_network.get_mut(&self.network) {
            *from_here -= 1;
            if *from_here == 0 {
                counts.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_addresses_count_together_and_a_place_given_up_is_free() {
        let admission = Arc::new(Admission::new(100, 2, 7));
        let admit = |address: &str| admission.admit(address.parse().unwrap());
        let first = admit("2001:db8:0:1::1").unwrap();
        let second = admit("2001:db8:0:1:ffff::2").unwrap();
        assert_eq!(admit("2001:db8:0:1::3").err().map(|problem| problem.status), Some(429));
        let neighbour = admit("2001:db8:0:2::1").unwrap();
        drop(first);
        let third = admit("2001:db8:0:1::3").unwrap();

        let both = [admit("192.0.2.7").unwrap(), admit("::ffff:192.0.2.7").unwrap()];
        assert!(admit("192.0.2.7").is_err(), "however it is written");
        let local: Vec<_> =
            ["127.0.0.1", "::ffff:127.0.0.1", "::1"].iter().cycle().take(30).map(|one| admit(one)).collect();
        assert!(local.iter().all(Result::is_ok));
        assert_eq!(admission.count(), 35);
        drop((local, second, third, neighbour, both));
        assert!(admission.counts().by_network.is_empty());
    }

    #[test]
    fn a_crowd_that_is_refused_together_is_told_to_return_at_different_times() {
        let admission = Arc::new(Admission::new(2, 1, 7));
        let _inside = ["192.0.2.7", "192.0.2.8"].map(|address| admission.admit(address.parse().unwrap()).unwrap());
        let told = |admission: &Arc<Admission>, address: &str, status| {
            let told = (0..50).map(|_| admission.admit(address.parse().unwrap()).err().unwrap());
            let mut by_seconds = [0; 16];
            for problem in told {
                assert_eq!(problem.status, status);
                by_seconds[problem.retry_after_s.unwrap() as usize] += 1;
            }
            assert_eq!(by_seconds[..3], [0, 0, 0], "nobody sooner");
            by_seconds
        };
        let of_server = told(&admission, "192.0.2.9", 503);
        assert!(of_server.iter().all(|many| *many <= 12), "50 over 13 seconds: {of_server:?}");
        assert_ne!(of_server, told(&admission, "192.0.2.9", 503), "nor is the next crowd told the same");
        assert_ne!(of_server, told(&Arc::new(Admission::new(0, 1, 8)), "192.0.2.9", 503), "nor another server's");
        let roomy = Arc::new(Admission::new(10, 1, 7));
        let _inside = roomy.admit("192.0.2.9".parse().unwrap()).unwrap();
        assert!(told(&roomy, "192.0.2.9", 429).iter().all(|many| *many <= 12));
    }
}
