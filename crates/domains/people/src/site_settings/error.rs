//! Why a setting was not changed.

use kernel::Problem;
use ports::sql::SqlError;

use crate::Failure;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is no administrator.
    #[error("Only administrators can see and change the settings of the site.")]
    NotAllowed,
    /// No setting of this name can be changed.
    #[error("There is no setting {name:?} that can be changed here; there are {known}.")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The value breaks a rule.
    #[error("{0}")]
    Value(String),
    /// Somebody else was faster.
    #[error("{name} was changed meanwhile, by {by}; look at it again.")]
    ChangedMeanwhile {
        /// The setting.
        name: &'static str,
        /// Who was faster, as far as that is known.
        by: String,
    },
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
            Error::NotAllowed => Self::forbidden("not_allowed", detail),
            Error::Unknown { .. } => Self::not_found("no_such_setting", detail),
            Error::Value(_) => Self::invalid("invalid_value", detail).field("value"),
            Error::ChangedMeanwhile { .. } => Self::conflict("changed_meanwhile", detail).field("version"),
            Error::Failure(failure) => failure.into(),
        }
    }
}
