//! Who publishes into which broadcast.
//!
//! Promise: at most one publisher per broadcast holds a claim. One that has been silent too long loses it to the next.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use kernel::{BroadcastId, Timestamp};
use tokio_util::sync::CancellationToken;

/// The publishers of all broadcasts.
#[derive(Debug, Default)]
pub(super) struct Publishers {
    by_broadcast: Mutex<HashMap<BroadcastId, Holder>>,
}

#[derive(Debug)]
struct Holder {
    heard_ms: Arc<AtomicI64>,
    displaced: CancellationToken,
}

/// The right to publish into a broadcast; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Claim {
    publishers: Arc<Publishers>,
    broadcast: BroadcastId,
    heard_ms: Arc<AtomicI64>,
    /// Cancelled when another publisher took over, or the show is over.
    pub(super) displaced: CancellationToken,
}

impl Publishers {
    /// Claims the broadcast; `None` while another publisher has been heard within `silence_ms`.
    pub(super) fn claim(self: &Arc<Self>, broadcast: BroadcastId, now: Timestamp, silence_ms: u64) -> Option<Claim> {
        let mut holders = self.by_broadcast.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = holders.get(&broadcast) {
            let heard = Timestamp::from_millis(holder.heard_ms.load(Ordering::Relaxed));
            let silent_ms = u64::try_from(now.millis_since(heard)).unwrap_or_default();
            if silent_ms < silence_ms && !holder.displaced.is_cancelled() {
                return None;
            }
            holder.displaced.cancel();
        }
        let (heard_ms, displaced) = (Arc::new(AtomicI64::new(now.as_millis())), CancellationToken::new());
        holders.insert(broadcast, Holder { heard_ms: Arc::clone(&heard_ms), displaced: displaced.clone() });
        metrics::gauge!("madang_ingest_publishers").set(holders.len() as f64);
        Some(Claim { publishers: Arc::clone(self), broadcast, heard_ms, displaced })
    }

    /// Ends the publisher of the broadcast, if there is one.
    pub(super) fn disconnect(&self, broadcast: BroadcastId) {
        if let Some(holder) = self.by_broadcast.lock().unwrap_or_else(PoisonError::into_inner).get(&broadcast) {
            holder.displaced.cancel();
        }
    }
}

impl Claim {
    /// The publisher has sent something.
    pub(super) fn heard(&self, now: Timestamp) {
        self.heard_ms.store(now.as_millis(), Ordering::Relaxed);
    }

    /// When the publisher last sent something.
    pub(super) fn last_heard(&self) -> Timestamp {
        Timestamp::from_millis(self.heard_ms.load(Ordering::Relaxed))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut holders = self.publishers.by_broadcast.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may hold the broadcast by now.
        if holders.get(&self.broadcast).is_some_and(|holder| Arc::ptr_eq(&holder.heard_ms, &self.heard_ms)) {
            holders.remove(&self.broadcast);
            metrics::gauge!("madang_ingest_publishers").set(holders.len() as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_is_claimed_once_until_its_holder_falls_silent_or_leaves() {
        let publishers = Arc::new(Publishers::default());
        let at = Timestamp::from_millis;
        let (one, two) = (BroadcastId::from_raw(1), BroadcastId::from_raw(2));
        let first = publishers.claim(one, at(0), 5_000).unwrap();
        assert!(publishers.claim(two, at(0), 5_000).is_some());
        first.heard(at(3_000));
        assert!(publishers.claim(one, at(7_999), 5_000).is_none());
        assert!(!first.displaced.is_cancelled());
        let second = publishers.claim(one, at(8_000), 5_000).unwrap();
        assert!(first.displaced.is_cancelled());
        drop(first);
        assert!(publishers.claim(one, at(8_001), 5_000).is_none());
        drop(second);
        assert!(publishers.claim(one, at(8_002), 5_000).is_some());
    }
}
