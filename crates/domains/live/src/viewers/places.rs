//! How many players count, per address and in all. Addresses are networks ([`kernel::caller::network`]).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use super::Error;

/// The places that players take while they count.
#[derive(Debug)]
pub(super) struct Places {
    per_address_max: u32,
    in_all_max: u32,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    by_address: HashMap<IpAddr, u32>,
    in_all: u32,
}

impl Places {
    /// No place taken. A limit of 0 per address is none.
    pub(super) fn new(per_address_max: u32, in_all_max: u32) -> Self {
        Self { per_address_max, in_all_max, taken: Mutex::default() }
    }

    /// Takes a place.
    pub(super) fn enter(&self, address: IpAddr) -> Result<(), Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.in_all_max {
            return Err(Error::TooManyPlayers { setting: "players_max", limit: self.in_all_max });
        }
        let here = taken.by_address.get(&address).copied().unwrap_or_default();
        if self.per_address_max > 0 && here >= self.per_address_max {
            return Err(Error::TooManyPlayers { setting: "players_per_address_max", limit: self.per_address_max });
        }
        taken.by_address.insert(address, here + 1);
        taken.in_all += 1;
        Ok(())
    }

    /// Gives a place back.
    pub(super) fn leave(&self, address: IpAddr) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        if let Some(here) = taken.by_address.get_mut(&address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                taken.by_address.remove(&address);
            }
        }
    }

    /// Places taken by an address.
    pub(super) fn taken_by(&self, address: IpAddr) -> u32 {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.by_address.get(&address).copied().unwrap_or_default()
    }
}
