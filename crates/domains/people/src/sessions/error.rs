//! Why signing in, signing out or changing a password was not done.

use kernel::{Problem, rate::TooOften};
use ports::sql::SqlError;

use crate::{Failure, accounts::RuleBroken, passwords::PasswordError};

/// What can go wrong with a session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The handle or the password is wrong; which of them is not said.
    #[error("The handle or the password is wrong.")]
    WrongCredentials,
    /// The current password is wrong.
    #[error("The current password is wrong.")]
    WrongPassword,
    /// The new password is not one.
    #[error(transparent)]
    Rule(#[from] RuleBroken),
    /// Too many attempts, from one address or for one handle.
    #[error("Too many attempts to sign in; try again in {} s.", .0.retry_after_s())]
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
            Error::WrongCredentials => Self::unauthorized("wrong_credentials", detail),
            Error::WrongPassword => Self::forbidden("wrong_password", detail).field("current_password"),
            Error::Rule(broken) => Self::invalid(broken.code, detail).field("new_password"),
            Error::TooOften(too_often) => Self::too_many("sign_in_rate", detail).retry_after(too_often.retry_after_s()),
            Error::Busy => Self::unavailable("sign_in_busy", detail).retry_after(2),
            Error::Failure(failure) => failure.into(),
        }
    }
}
