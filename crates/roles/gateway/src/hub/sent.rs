//! Counts what was sent to subscribers.

use metrics::{Counter, counter};

/// Handles, so that counting needs no lookup.
#[derive(Clone)]
pub(crate) struct Sent {
    bytes: Counter,
    publications: Counter,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            bytes: counter!("madang_gateway_bytes_sent"),
            publications: counter!("madang_gateway_publications_delivered"),
        }
    }
}

impl Sent {
    pub(crate) fn count(&self, bytes: u64, publications: u64) {
        self.bytes.increment(bytes);
        if publications > 0 {
            self.publications.increment(publications);
        }
    }
}
