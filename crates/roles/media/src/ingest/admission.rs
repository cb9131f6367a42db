//! Bounds the connections: how many at all, and how many of one address that do not publish.
//!
//! Promise: at a limit the newest gets in and the one that has waited longest makes room, so a flood of idle
//! connections cannot shut an encoder out. A publisher is never made to leave; only when all connections publish is a
//! new one turned away.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// All connections of the ingest.
#[derive(Debug)]
pub(super) struct Admission {
    connections_max: usize,
    waiting_per_address_max: usize,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    count: usize,
    waiting: BTreeMap<u64, (IpAddr, CancellationToken)>,
    by_address: HashMap<IpAddr, BTreeSet<u64>>,
}

/// One admitted connection; dropping it gives its place back.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    id: u64,
    publishing: bool,
    /// Cancelled when the connection must make room, or the ingest stops.
    pub(super) cancelled: CancellationToken,
}

impl Admission {
    pub(super) fn new(connections_max: usize, waiting_per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { connections_max, waiting_per_address_max, connections: Mutex::default() })
    }

    /// A place for a connection from `address` (a network, [`kernel::caller::network`]); `None` when every place is taken by a publisher.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, parent: &CancellationToken) -> Option<Ticket> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = connections.by_address.get(&address);
        let leaving = match of_address {
            Some(of_address) if of_address.len() >= self.waiting_per_address_max => of_address.first().copied(),
            _ if connections.count >= self.connections_max => connections.waiting.keys().next().copied(),
            _ => None,
        };
        match leaving.and_then(|id| connections.forget(id)) {
            Some(token) => {
                token.cancel();
                metrics::counter!("madang_ingest_refused_total", "reason" => "made_room").increment(1);
            }
            None if connections.count >= self.connections_max => return None,
            None => connections.count += 1,
        }
        connections.next += 1;
        let (id, cancelled) = (connections.next, parent.child_token());
        connections.waiting.insert(id, (address, cancelled.clone()));
        connections.by_address.entry(address).or_default().insert(id);
        metrics::gauge!("madang_ingest_connections").set(connections.count as f64);
        Some(Ticket { admission: Arc::clone(self), id, publishing: false, cancelled })
    }
}

impl Connections {
    /// Takes a connection out of those that wait; its place stays counted, for whoever takes it over.
    fn forget(&mut self, id: u64) -> Option<CancellationToken> {
        let (address, token) = self.waiting.remove(&id)?;
        if let Some(of_address) = self.by_address.get_mut(&address) {
            of_address.remove(&id);
            if of_address.is_empty() {
                self.by_address.remove(&address);
            }
        }
        Some(token)
    }
}

impl Ticket {
    /// A number no other connection of this ingest has.
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// From now on the connection publishes, and need not make room. False when it was just asked to.
    pub(super) fn publishes(&mut self) -> bool {
        let mut connections = self.admission.connections.lock().unwrap_or_else(PoisonError::into_inner);
        self.publishing = connections.forget(self.id).is_some();
        self.publishing
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut connections = self.admission.connections.lock().unwrap_or_else(PoisonError::into_inner);
        // Who made room has handed its place on already.
        if self.publishing || connections.forget(self.id).is_some() {
            connections.count -= 1;
            metrics::gauge!("madang_ingest_connections").set(connections.count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_a_limit_the_longest_waiting_makes_room_and_publishers_stay() {
        let (parent, admission) = (CancellationToken::new(), Admission::new(3, 2));
        let [home, away]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let mut publisher = admission.admit(home, &parent).unwrap();
        assert!(publisher.publishes());
        let first = admission.admit(away, &parent).unwrap();
        let second = admission.admit(away, &parent).unwrap();
        let third = admission.admit(away, &parent).unwrap();
        assert!(first.cancelled.is_cancelled() && !second.cancelled.is_cancelled());
        let mut fourth = admission.admit(home, &parent).unwrap();
        assert!(second.cancelled.is_cancelled() && !third.cancelled.is_cancelled());
        drop((first, second));
        assert!(!publisher.cancelled.is_cancelled());
        let mut third = third;
        assert!(third.publishes() && fourth.publishes());
        assert!(admission.admit(away, &parent).is_none());
        drop(publisher);
        assert!(admission.admit(away, &parent).is_some());
    }
}
