//! Why something about a broadcast could not be done.

use std::sync::Arc;

use kernel::{Problem, Rate, random::RandomError};
use ports::sql::{self, SqlError};

use super::lifecycle::WrongState;
use crate::{channels, needs::NeedError};

/// Why something about a broadcast could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No broadcast has this id.
    #[error("There is no such broadcast.")]
    NotFound,
    /// Only its host may do this.
    #[error("Only the host of the broadcast can do this.")]
    NotHost,
    /// It does not fit the broadcast's state.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// A recording is removed only when the show is over.
    #[error("The broadcast has not ended; end it before you delete its recording.")]
    NotOver,
    /// The schedule is more than a year ahead.
    #[error("A broadcast can be scheduled at most 366 days ahead.")]
    ScheduledTooFar,
    /// The list has no such state.
    #[error("{0:?} is not a state; created, ready, live, paused and ended are.")]
    UnknownState(String),
    /// The operator lets nobody create broadcasts.
    #[error("New broadcasts cannot be created here at present.")]
    Closed,
    /// The channel has too many broadcasts that have not ended.
    #[error("A channel can have {0} broadcasts that have not ended; end one of them first.")]
    TooManyOpen(u32),
    /// The account made too many broadcasts in a short time.
    #[error("An account can create at most {rate} broadcasts.")]
    TooOften {
        /// The limit.
        rate: Rate,
        /// Seconds until another one may be made.
        retry_after_s: u64,
    },
    /// No broadcast and no channel has this stream key.
    #[error("The stream key is not known.")]
    UnknownKey,
    /// The show was ended under the encoder that uses the lasting key, and the encoder goes on trying.
    #[error("The show was ended; stop the encoder before you start the next one.")]
    EncoderGoesOn,
    /// Another process has the publisher.
    #[error("Another encoder is publishing into this broadcast. If it is gone, try again in a few seconds.")]
    PublishedElsewhere,
    /// Others changed the broadcast again and again in between.
    #[error("The broadcast is being changed by others; try again.")]
    Contended,
    /// The channel could not be read, or the title is outside its rules.
    #[error(transparent)]
    Channel(#[from] channels::Error),
    /// Somebody else could not answer.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// The blobs are not those that the site's recordings are in.
    #[error(
        "The blobs that this process sees are not those of this site: there is no site/{0} among them. Let it see the right \
         ones; if the recordings are lost for good, put any file there."
    )]
    OtherBlobs(String),
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store failed.
    #[error("broadcasts: {0}")]
    Store(Arc<SqlError>),
}

impl From<SqlError> for Error {
    fn from(cause: SqlError) -> Self {
        Self::Store(Arc::new(cause))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound | Error::UnknownKey => Problem::not_found("not_found", detail),
            Error::NotHost => Problem::forbidden("not_host", detail),
            Error::WrongState(_) | Error::NotOver | Error::EncoderGoesOn | Error::PublishedElsewhere => {
                Problem::conflict("wrong_state", detail)
            }
            Error::ScheduledTooFar => Problem::invalid("invalid_schedule", detail).field("scheduled_at"),
            Error::UnknownState(_) => Problem::invalid("invalid_state", detail).field("state"),
            Error::Closed => Problem::forbidden("new_broadcasts_closed", detail),
            Error::TooManyOpen(_) => Problem::conflict("too_many_open_broadcasts", detail),
            Error::TooOften { retry_after_s, .. } => {
                Problem::too_many("broadcast_rate", detail).retry_after(retry_after_s)
            }
            Error::Contended => Problem::unavailable("contended", detail).retry_after(1),
            Error::Channel(error) => error.into(),
            Error::Store(cause) => {
                tracing::error!(error = %detail, "a broadcast request failed");
                sql::problem(&cause)
            }
            Error::Need(_) => {
                tracing::error!(error = %detail, "a broadcast request failed");
                Problem::unavailable("try_again", "The broadcast cannot be answered for right now; try again.")
                    .retry_after(1)
            }
            Error::Random(_) | Error::OtherBlobs(_) => {
                tracing::error!(error = %detail, "a broadcast request failed");
                Problem::internal()
            }
        }
    }
}

/// Why a publisher is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefused {
    /// No broadcast and no channel has this stream key.
    #[error("The stream key is not known.")]
    UnknownKey,
    /// The key is good, but not now; the sentence says why.
    #[error("{0}")]
    NotNow(String),
    /// Nobody can tell at the moment.
    #[error("The server cannot take the stream at the moment.")]
    Unavailable,
}

impl From<Error> for PublishRefused {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownKey | Error::NotFound => Self::UnknownKey,
            Error::WrongState(_)
            | Error::EncoderGoesOn
            | Error::PublishedElsewhere
            | Error::Closed
            | Error::TooManyOpen(_)
            | Error::TooOften { .. } => Self::NotNow(error.to_string()),
            error => {
                tracing::error!(%error, "a publisher could not be admitted");
                Self::Unavailable
            }
        }
    }
}
