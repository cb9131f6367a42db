//! SQL engines: SQLite in the data folder and PostgreSQL, and what stands on either: the outbox as event log, the room log.

mod connect;
mod outbox;
mod room_log;

pub use connect::{ConnectError, postgres, postgres_connection, sqlite};
pub use outbox::{OUTBOX_MIGRATIONS, Outbox};
pub use room_log::{ROOM_LOG_MIGRATIONS, SqlRoomLog};
