//! The gateway over real sockets, with doubles for everything behind it.

mod client;
mod commands;
mod doubles;
mod server;
