//! What can go wrong with the ingest as a whole; what goes wrong with one connection ends that connection.

use std::net::SocketAddr;

/// Why the ingest cannot run.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The address cannot be listened on.
    #[error("cannot listen for RTMP on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}
