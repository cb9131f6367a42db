//! Why something about an account was not done.

use kernel::{Problem, rate::TooOften};
use ports::sql::SqlError;

use super::RuleBroken;
use crate::{Failure, passwords::PasswordError};

/// What can go wrong with an account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text is not what its field takes.
    #[error(transparent)]
    Rule(#[from] RuleBroken),
    /// The handle is another account's.
    #[error("The handle {0} is taken.")]
    HandleTaken(String),
    /// The operator closed registration.
    #[error("New accounts cannot be created here at present.")]
    RegistrationClosed,
    /// There is no such account.
    #[error("There is no account {0}.")]
    Unknown(String),
    /// Too many sign-ups from one address.
    #[error("Too many accounts were created from this address; try again in {} s.", .0.retry_after_s())]
    TooOften(TooOften),
    /// The queue for hashing passwords is full.
    #[error("Too many people are signing in at once; try again in a moment.")]
    Busy,
    /// Our own failure.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Rule(broken) => Self::invalid(broken.code, detail).field(broken.field),
            Error::HandleTaken(_) => Self::conflict("handle_taken", detail).field("handle"),
            Error::RegistrationClosed => Self::forbidden("registration_closed", detail),
            Error::Unknown(_) => Self::not_found("no_such_account", detail),
            Error::TooOften(too_often) => Self::too_many("sign_up_rate", detail).retry_after(too_often.retry_after_s()),
            Error::Busy => Self::unavailable("sign_in_busy", detail).retry_after(2),
            Error::Failure(failure) => failure.into(),
        }
    }
}
