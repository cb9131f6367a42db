//! Why a session was not issued.

use kernel::{Problem, random::RandomError, rate::TooOften};

use crate::needs::NeedError;

/// Why a session was not issued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such broadcast.
    #[error("there is no such broadcast")]
    NoBroadcast,
    /// The address asked too often.
    #[error("too many new sessions from this address")]
    TooOften(TooOften),
    /// The address has as many players as it may.
    #[error("this address has {0} players, which is the limit")]
    TooManyPlayers(u32),
    /// A need could not answer.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// No id could be made up.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoBroadcast => Problem::not_found("no_broadcast", "There is no such broadcast.").field("broadcast"),
            Error::TooOften(too_often) => {
                Problem::too_many("playback_rate", "Too many players were started from this address; wait a little.")
                    .retry_after(too_often.retry_after_s())
            }
            Error::TooManyPlayers(limit) => {
                let detail =
                    format!("{limit} players of this address are watching; players_per_address_max allows no more.");
                Problem::too_many("too_many_players", detail).retry_after(15)
            }
            Error::Need(cause) => {
                tracing::warn!(%cause, "a playback session could not be issued");
                Problem::unavailable("try_again", "The player could not be started right now; try again.")
                    .retry_after(1)
            }
            Error::Random(cause) => {
                tracing::error!(%cause, "a playback session could not be issued");
                Problem::internal()
            }
        }
    }
}
