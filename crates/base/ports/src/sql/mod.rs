//! SQL on SQLite or PostgreSQL with one text for both.
//!
//! **The common language**: BIGINT ids, epoch-milliseconds and flags (0/1), TEXT, DOUBLE PRECISION, `{bytes}` for byte
//! columns in migrations; `$1` placeholders; `ON CONFLICT`; `RETURNING`. A sum is `CAST(SUM(x) AS BIGINT)`.
//!
//! **Atomic and durable**: what one [`WriteTx`] does is kept whole when `commit` returns, or not at all (SQLite: WAL with
//! `synchronous=FULL`; PostgreSQL: `synchronous_commit=on`). Dropping a `WriteTx` rolls back.
//!
//! **Isolation**: SQLite runs one `WriteTx` at a time (`BEGIN IMMEDIATE`). PostgreSQL does not (READ COMMITTED): what must
//! be true is held by a constraint or a conditional write, never by reading first and writing later.

mod database;
mod failure;
mod migrations;

pub use database::{Database, Dialect, WriteTx};
pub use failure::problem;
pub use migrations::{Migration, migrate, migrate_among_others};
pub use sqlx::{AnyConnection, AnyPool, Row};

/// Why the database could not do it.
pub type SqlError = sqlx::Error;

/// Whether the error says that a unique key is taken.
pub fn is_unique_violation(error: &SqlError) -> bool {
    error.as_database_error().is_some_and(|cause| cause.is_unique_violation())
}
