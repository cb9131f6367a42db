//! What the gateway counts.

use metrics::{Counter, Gauge, counter, gauge};

/// Handles that connections share, so that counting needs no lookup.
pub(crate) struct Counters {
    connections: Gauge,
    publications_delivered: Counter,
    bytes_sent: Counter,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            connections: gauge!("madang_gateway_connections"),
            publications_delivered: counter!("madang_gateway_publications_delivered"),
            bytes_sent: counter!("madang_gateway_bytes_sent"),
        }
    }

    pub(super) fn opened(&self) {
        self.connections.increment(1.0);
    }

    pub(super) fn closed(&self, code: u16) {
        self.connections.decrement(1.0);
        counter!("madang_gateway_disconnects", "code" => code.to_string()).increment(1);
    }

    pub(super) fn command(&self, kind: &'static str) {
        counter!("madang_gateway_commands", "kind" => kind).increment(1);
    }

    pub(super) fn sent(&self, bytes: usize, publications: u64) {
        self.bytes_sent.increment(bytes as u64);
        if publications > 0 {
            self.publications_delivered.increment(publications);
        }
    }
}

/// Counts what was sent to many connections.
pub(crate) fn count_sent(bytes: u64, publications: u64) {
    counter!("madang_gateway_bytes_sent").increment(bytes);
    counter!("madang_gateway_publications_delivered").increment(publications);
}
