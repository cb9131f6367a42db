//! Why a batch counted nothing.

use kernel::{Problem, rate::TooOften};
use ports::sql::SqlError;

use crate::{needs::NeedError, playbacks::InvalidSession};

/// Why a batch counted nothing, or hearts could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not a batch.
    #[error("not a batch of hearts: {0}")]
    InvalidBody(String),
    /// The session is not good.
    #[error(transparent)]
    InvalidSession(#[from] InvalidSession),
    /// The session was issued to a browser without an account.
    #[error("hearts are given by people who are signed in")]
    SignInRequired,
    /// There is no such broadcast.
    #[error("there is no such broadcast")]
    NoBroadcast,
    /// The show has not begun.
    #[error("the show has not begun")]
    NotLive,
    /// The show is over.
    #[error("the show is over")]
    Over,
    /// A batch without taps.
    #[error("a batch without taps")]
    NoTaps,
    /// More taps than fit.
    #[error("{taps} taps; {limit} fit into a batch")]
    TooManyTaps {
        /// How many there are.
        taps: usize,
        /// How many fit.
        limit: usize,
    },
    /// A number no batch has.
    #[error("{0} is no number of a batch")]
    ImpossibleSeq(i64),
    /// A position the session cannot have seen.
    #[error("position {position} is outside of {earliest}..={latest}")]
    ImpossiblePosition {
        /// The first such position, in milliseconds.
        position: i64,
        /// The earliest the session can have seen.
        earliest: i64,
        /// The latest.
        latest: i64,
    },
    /// A batch older than the last one of its session.
    #[error("batch {seq} of a session that is at {last}")]
    Replayed {
        /// Its number.
        seq: i64,
        /// The last number of its session.
        last: i64,
    },
    /// Faster than a person.
    #[error("{setting} is exceeded")]
    TooFast {
        /// The setting that holds the limit.
        setting: &'static str,
        /// After how long the batch would pass.
        too_often: TooOften,
    },
    /// A limit that only many sessions, or a store that fails for long, can reach.
    #[error("{setting} ({limit}) is reached")]
    Full {
        /// The setting that holds the limit.
        setting: &'static str,
        /// Its value.
        limit: usize,
    },
    /// A need could not answer.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// The database could not answer.
    #[error("hearts: {0}")]
    Sql(#[from] SqlError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = || format!("Nothing was counted: {error}.");
        match &error {
            Error::InvalidBody(_) => Problem::invalid("invalid_hearts", detail()),
            Error::InvalidSession(cause) => Problem::unauthorized("bad_session", cause.to_string()).field("session"),
            Error::SignInRequired => Problem::unauthorized(
                "sign_in_required",
                "Nothing was counted: sign in to give hearts, and ask for a session anew with POST /api/v1/playbacks.",
            ),
            Error::NoBroadcast => Problem::not_found("no_broadcast", "There is no such broadcast."),
            Error::NotLive => Problem::conflict("broadcast_not_live", detail()),
            Error::Over => Problem::conflict("broadcast_over", detail()),
            Error::NoTaps => Problem::invalid("no_taps", detail()).field("taps"),
            Error::TooManyTaps { .. } => Problem::invalid("too_many_taps", detail()).field("taps"),
            Error::ImpossibleSeq(_) => Problem::invalid("impossible_seq", detail()).field("seq"),
            Error::ImpossiblePosition { .. } => Problem::invalid("impossible_position", detail()).field("taps"),
            Error::Replayed { .. } => Problem::conflict("replayed_batch", detail()).field("seq"),
            Error::TooFast { too_often, .. } => {
                Problem::too_many("heart_rate", detail()).retry_after(too_often.retry_after_s())
            }
            Error::Full { .. } => Problem::unavailable("hearts_full", detail()).retry_after(5),
            Error::Need(_) | Error::Sql(_) => {
                tracing::warn!(cause = %error, "hearts could not be answered");
                Problem::unavailable("try_again", "Hearts cannot be answered right now; try again.").retry_after(1)
            }
        }
    }
}
