//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::Problem;

/// Counts connections.
pub(crate) struct Admission {
    connections_max: usize,
    per_address_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; free again when dropped.
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Self {
        Self { connections_max, per_address_max, counts: Mutex::default() }
    }

    /// A place for one more connection from `address`.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, Problem> {
        let mut counts = self.counts();
        if counts.all >= self.connections_max {
            let detail = format!("All {} connections of this server are taken.", self.connections_max);
            return Err(Problem::unavailable("too_many_connections", detail).retry_after(5));
        }
        let held_to_limit = !address.is_loopback() && !address.is_unspecified();
        let from_here = counts.by_address.entry(address).or_default();
        if held_to_limit && *from_here >= self.per_address_max {
            let detail = format!("At most {} connections from one address.", self.per_address_max);
            return Err(Problem::too_many("address_connections", detail).retry_after(5));
        }
        *from_here += 1;
        counts.all += 1;
        Ok(Admitted { admission: self.clone(), address })
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
        if let Some(from_here) = counts.by_address.get_mut(&self.address) {
            *from_here -= 1;
            if *from_here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}
