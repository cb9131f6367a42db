//! The gateway over real sockets, with doubles for everything behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod clock_set_back;
mod commands;
mod delta;
mod disconnects;
mod doubles;
mod expiry;
mod floods;
mod gaps;
mod hostile;
mod identity;
mod join_leave;
mod offers;
mod orders;
mod passing;
mod protobuf;
mod readers;
mod recovery;
mod recovery_model;
mod redactions;
mod schema;
mod server;
mod slow_readers;
