//! The gateway over real sockets, with doubles for everything behind it.

mod client;
mod commands;
mod disconnects;
mod doubles;
mod gaps;
mod hostile;
mod recovery;
mod server;
mod slow_readers;
