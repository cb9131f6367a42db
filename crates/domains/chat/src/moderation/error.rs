//! Why a timeout could not be set, lifted or listed, and how the client is told.

use kernel::Problem;
use ports::sql::SqlError;

use super::model::{REASON_CHARS, SECONDS};
use crate::needs::NeedError;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not signed in.
    #[error("not signed in")]
    SignInRequired,
    /// There is no such broadcast.
    #[error("no such broadcast")]
    BroadcastUnknown,
    /// The caller is neither the host nor an administrator.
    #[error("not allowed to moderate")]
    NotAllowed,
    /// There is no such account.
    #[error("no such account")]
    AccountUnknown,
    /// The host cannot be timed out in the own room.
    #[error("the host cannot be timed out")]
    Host,
    /// The time is outside its limits.
    #[error("{0} seconds are outside the limits")]
    Seconds(u32),
    /// The reason is longer than fits, or has control characters.
    #[error("the reason breaks its rule")]
    Reason,
    /// The database failed.
    #[error("timeouts: {0}")]
    Store(#[from] SqlError),
    /// Somebody else could not answer.
    #[error("moderation asked in vain: {0}")]
    Need(#[from] NeedError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SignInRequired => Self::unauthorized("sign_in_required", "Sign in to do this."),
            Error::BroadcastUnknown => Self::not_found("broadcast_unknown", "There is no such broadcast."),
            Error::NotAllowed => Self::forbidden("not_allowed", "Only the host and administrators moderate a chat."),
            Error::AccountUnknown => Self::invalid("account_unknown", "There is no such account.").field("account"),
            Error::Host => Self::invalid("host_timeout", "The host cannot be timed out.").field("account"),
            Error::Seconds(seconds) => {
                let detail = format!("{seconds} s; a timeout lasts {} to {} s.", SECONDS.start(), SECONDS.end());
                Self::invalid("invalid_seconds", detail).field("seconds")
            }
            Error::Reason => {
                let detail =
                    format!("A reason has at most {REASON_CHARS} characters, none of them control characters.");
                Self::invalid("invalid_reason", detail).field("reason")
            }
            Error::Store(_) | Error::Need(_) => {
                tracing::error!(%error, "moderation cannot answer for now");
                Self::unavailable("chat_unavailable", "Chat cannot answer for now; try again.").retry_after(1)
            }
        }
    }
}
