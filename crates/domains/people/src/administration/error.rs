//! Why somebody did not become administrator.

use kernel::Problem;
use ports::sql::SqlError;

use crate::Failure;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The link's token is wrong, replaced by a newer one, or used.
    #[error("This link is not valid any more.")]
    LinkOver,
    /// There is no such account.
    #[error("There is no account {0}.")]
    Unknown(String),
    /// Our own failure.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::LinkOver => Self::forbidden("link_over", detail),
            Error::Unknown(_) => Self::not_found("no_such_account", detail),
            Error::Failure(failure) => failure.into(),
        }
    }
}
