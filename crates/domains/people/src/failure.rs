//! What can fail on our side of any slice; logged once, where it becomes an answer.

use kernel::{Problem, random::RandomError};
use ports::sql::{self, SqlError};

/// Our own failure, whatever was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error("database: {0}")]
    Database(#[from] SqlError),
    /// The random source.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A password could not be hashed, or a kept hash is damaged.
    #[error("password hashing: {0}")]
    Hashing(String),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        tracing::error!(%failure, "a request about people failed");
        match failure {
            Failure::Database(error) => sql::problem(&error),
            _ => Self::internal(),
        }
    }
}
