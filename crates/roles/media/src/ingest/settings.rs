//! What can be set for the ingest, and the limits it keeps.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::codec::rtmp::limits::MESSAGE_BYTES_MAX;

/// Settings of the ingest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestSettings {
    /// Where to listen for RTMP; port 0 takes a free one. Not a key of this section: the site's `rtmp` sets it.
    #[serde(skip)]
    pub address: SocketAddr,
    /// Connections at a time. At the limit, the one that has waited longest without publishing makes room.
    pub connections_max: usize,
    /// Connections of one address that do not publish. At the limit, the oldest of them makes room.
    pub waiting_per_address_max: usize,
    /// How long the handshake may take.
    pub handshake_timeout_ms: u64,
    /// How long a connection may be open before it publishes.
    pub publish_timeout_ms: u64,
    /// A publisher that has sent nothing for this long yields to another one on the same broadcast.
    pub silence_ms: u64,
    /// A publisher that has sent nothing for this long is closed.
    pub silence_timeout_ms: u64,
    /// The largest message of a publisher, in bytes; one coded picture is one message.
    pub message_bytes_max: usize,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1_935)),
            connections_max: 12_000,
            waiting_per_address_max: 256,
            handshake_timeout_ms: 10_000,
            publish_timeout_ms: 30_000,
            silence_ms: 5_000,
            silence_timeout_ms: 60_000,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }
}
