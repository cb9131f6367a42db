//! Why something about a channel could not be done.

use kernel::{Problem, limits, random::RandomError};
use ports::sql::{self, SqlError};

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
            Error::Store(cause) => {
                tracing::error!(%error, "a channel request failed");
                sql::problem(cause)
            }
            Error::Names(_) => {
                tracing::error!(%error, "a channel request failed");
                Problem::unavailable("try_again", "Names cannot be read right now; try again.").retry_after(1)
            }
            Error::Random(_) => {
                tracing::error!(%error, "a channel request failed");
                Problem::internal()
            }
        }
    }
}
