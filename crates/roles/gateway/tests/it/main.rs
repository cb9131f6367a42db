//! The gateway over real sockets, with doubles for everything behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod commands;
mod disconnects;
mod doubles;
mod gaps;
mod hostile;
mod identity;
mod recovery;
mod redactions;
mod server;
mod slow_readers;
