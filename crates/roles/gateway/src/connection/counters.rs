//! What the gateway counts.

use metrics::{Counter, Gauge, counter, gauge};

use crate::{hub::Sent, protocol::Request};

/// Handles that connections share, so that counting needs no lookup.
pub(crate) struct Counters {
    connections: Gauge,
    /// By [`Request::kind`].
    commands: [Counter; Request::KINDS.len()],
    sent: Sent,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            connections: gauge!("madang_gateway_connections"),
            commands: Request::KINDS.map(|kind| counter!("madang_gateway_commands", "kind" => kind)),
            sent: Sent::default(),
        }
    }

    pub(super) fn opened(&self) {
        self.connections.increment(1.0);
    }

    pub(super) fn closed(&self, code: u16) {
        self.connections.decrement(1.0);
        counter!("madang_gateway_disconnects", "code" => code.to_string()).increment(1);
    }

    pub(super) fn command(&self, request: &Request) {
        if let Some(count) = self.commands.get(request.kind()) {
            count.increment(1);
        }
    }

    pub(super) fn sent(&self, bytes: usize, publications: u64) {
        self.sent.count(bytes as u64, publications);
    }
}
