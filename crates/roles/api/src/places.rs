//! How many connections are held, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::caller::network;
use metrics::{Gauge, gauge};

use crate::{Settings, proxies::Proxies};

/// Counts connections; a place is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    max_per_address: usize,
    proxies: Proxies,
    taken: Mutex<Taken>,
    /// How many are taken.
    shown: Gauge,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Server,
    Address,
}

/// The right to hold one connection.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    counted: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            max: settings.max_connections as usize,
            max_per_address: settings.max_connections_per_address as usize,
            proxies: Proxies::new(settings),
            taken: Mutex::default(),
            shown: gauge!("madang_http_connections"),
        })
    }

    /// Takes a place for a connection from `peer`.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        // A proxy, also an undeclared one on this machine, speaks for many clients.
        let speaks_for_many = peer.to_canonical().is_loopback() || self.proxies.trust(peer);
        let counted = (!speaks_for_many).then(|| network(peer));
        let mut taken = self.lock();
        if taken.all >= self.max {
            return Err(Full::Server);
        }
        if let Some(address) = counted {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.max_per_address {
                return Err(Full::Address);
            }
            *of_address += 1;
        }
        taken.all += 1;
        self.shown.set(taken.all as f64);
        Ok(Place { places: self.clone(), counted })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        self.places.shown.set(taken.all as f64);
        let Some(address) = self.counted else { return };
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_by_address_and_come_back() {
        let settings = Settings { max_connections: 5, max_connections_per_address: 2, ..Settings::default() };
        let places = Places::new(&settings);
        let take = |address: &str| places.take(address.parse().unwrap());
        let held = [take("192.0.2.1").unwrap(), take("192.0.2.1").unwrap()];
        assert_eq!(take("192.0.2.1").unwrap_err(), Full::Address);
        let loopback = [take("127.0.0.1").unwrap(), take("127.0.0.1").unwrap(), take("127.0.0.1").unwrap()];
        assert_eq!(take("192.0.2.2").unwrap_err(), Full::Server);
        drop(held);
        assert!(take("192.0.2.1").is_ok());
        drop(loopback);
        assert_eq!(places.lock().all, 0);
        assert!(places.lock().by_address.is_empty());
    }
}
