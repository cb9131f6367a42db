//! SQL engines: SQLite in the data folder and PostgreSQL, and what stands on either: the outbox as event log, the room log;
//! and the way from the one to the other.

mod connect;
mod leases;
pub mod moving;
mod outbox;
mod ownership;
mod room_log;
mod server_clock;

pub use connect::{ConnectError, postgres, sqlite};
pub use leases::{LEASE_MIGRATIONS, SqlLeases};
pub use outbox::{OUTBOX_MIGRATIONS, Outbox};
pub use ownership::{Ownership, OwnershipError};
pub use room_log::{ROOM_LOG_MIGRATIONS, SqlRoomLog};
pub use server_clock::ServerClock;
