//! Why a beat was not taken.

use kernel::Problem;
use ports::sql::SqlError;

use crate::{needs::NeedError, playbacks::InvalidSession};

/// Why a beat was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not a beat.
    #[error("not a beat: {0}")]
    InvalidBody(String),
    /// The session is not good.
    #[error(transparent)]
    InvalidSession(#[from] InvalidSession),
    /// The session has left; leaving is final.
    #[error("the session has left")]
    Left,
    /// A limit on the number of players is reached.
    #[error("{setting} allows {limit} players")]
    TooManyPlayers {
        /// The setting that holds the limit.
        setting: &'static str,
        /// Its value.
        limit: u32,
    },
    /// A need could not answer.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// The database could not answer.
    #[error("viewers: {0}")]
    Sql(#[from] SqlError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidBody(cause) => Problem::invalid("invalid_beat", format!("This is not a beat: {cause}.")),
            Error::InvalidSession(cause) => Problem::unauthorized("bad_session", cause.to_string()).field("session"),
            Error::Left => Problem::conflict(
                "session_left",
                "This session has said that it leaves; ask for a new one with POST /api/v1/playbacks.",
            )
            .field("session"),
            Error::TooManyPlayers { setting, limit } => Problem::too_many(
                "too_many_players",
                format!("{limit} players are watching; {setting} allows no more."),
            )
            .retry_after(15),
            Error::Need(cause) => unavailable(&cause),
            Error::Sql(cause) => unavailable(&cause),
        }
    }
}

fn unavailable(cause: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%cause, "a beat could not be taken");
    Problem::unavailable("try_again", "The beat could not be counted right now; the next one will be.").retry_after(5)
}
