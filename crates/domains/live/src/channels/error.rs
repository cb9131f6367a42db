//! Why something about a channel could not be done.

use kernel::{Problem, limits, random::RandomError};
use ports::sql::SqlError;

use crate::needs::NeedError;

/// Why something about a channel could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A title that is too short or too long.
    #[error(
        "A title has {least} to {most} characters; this one has {characters}.",
        least = limits::TITLE_CHARS.start(),
        most = limits::TITLE_CHARS.end()
    )]
    TitleLength {
        /// How many it has.
        characters: usize,
    },
    /// A title with line breaks or other control characters.
    #[error("A title is one line of text without control characters.")]
    TitleControlCharacter,
    /// The account is not known to the people domain.
    #[error("There is no such account.")]
    NoAccount,
    /// Names could not be read.
    #[error("names: {0}")]
    Names(#[from] NeedError),
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store failed.
    #[error("channels: {0}")]
    Store(#[from] SqlError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::TitleLength { .. } | Error::TitleControlCharacter => {
                Problem::invalid("invalid_title", error.to_string()).field("title")
            }
            Error::NoAccount => Problem::not_found("not_found", error.to_string()),
            Error::Store(SqlError::PoolTimedOut) => {
                tracing::error!(%error, "a channel request failed");
                Problem::unavailable("database_busy", "The database is busy; try again in a moment.").retry_after(2)
            }
            Error::Names(_) | Error::Random(_) | Error::Store(_) => {
                tracing::error!(%error, "a channel request failed");
                Problem::internal()
            }
        }
    }
}
