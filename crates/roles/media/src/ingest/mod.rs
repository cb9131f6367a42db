//! Takes publishers in over RTMP, plain or over TLS (RTMPS), and gives their packets to the packager.
//!
//! Promise: one publisher per broadcast; a stream key is asked for before anything is kept; a connection that does not
//! publish costs a few kilobytes and ends by itself; nothing a peer sends can stop the others. It loses what a publisher
//! sends before its configuration, and everything from a publisher that another one has displaced.

pub mod publisher;

mod address;
mod admission;
mod connection;
mod error;
mod line;
mod publishers;
mod rounds;
mod server;
mod session;
mod settings;
#[cfg(test)]
mod tests;

pub use error::IngestError;
pub use server::Ingest;
pub use settings::IngestSettings;
