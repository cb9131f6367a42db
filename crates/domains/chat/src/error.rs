//! Why an act of moderation could not be done, and how the client is told. One type for all slices that a channel's
//! streamer and moderators use, because they fail alike.

use kernel::{Problem, limits};
use ports::sql::SqlError;

use crate::messages;
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
    /// Nobody has this handle.
    #[error("no such channel")]
    ChannelUnknown,
    /// The caller does not moderate here.
    #[error("not allowed to moderate")]
    NotAllowed,
    /// Only the streamer and administrators may.
    #[error("only the streamer may")]
    NotStreamer,
    /// There is no such account.
    #[error("no such account")]
    AccountUnknown,
    /// The streamer and administrators cannot be silenced, and moderators not by each other.
    #[error("the account is above the moderator")]
    Protected,
    /// The time is outside its limits.
    #[error("{0} seconds are outside the limits")]
    Seconds(u32),
    /// The reason is longer than fits, or has control characters.
    #[error("the reason breaks its rule")]
    Reason,
    /// A value is outside its rule.
    #[error("{field}: {rule}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its rule, as a sentence.
        rule: String,
    },
    /// As many as fit are there.
    #[error("there are {limit} {what}, which is the limit")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many fit.
        limit: usize,
    },
    /// The account has not written here through this process lately, so it knows nothing of its address.
    #[error("this process does not know the account's address")]
    AddressUnknown,
    /// There is no such thing to undo or decide on.
    #[error("no such {0}")]
    Unknown(&'static str),
    /// Another moderator was faster, or the time is over.
    #[error("decided already")]
    Decided,
    /// A message could not be found or published.
    #[error(transparent)]
    Message(#[from] messages::Error),
    /// The database failed.
    #[error("moderation: {0}")]
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
            Error::ChannelUnknown => Self::not_found("channel_unknown", "There is no such channel."),
            Error::NotAllowed => {
                Self::forbidden("not_allowed", "Only the channel's streamer and moderators may do this.")
            }
            Error::NotStreamer => Self::forbidden("not_streamer", "Only the channel's streamer may do this."),
            Error::AccountUnknown => Self::invalid("account_unknown", "There is no such account.").field("account"),
            Error::Protected => {
                let detail = "The streamer cannot be silenced; a moderator only by the streamer or an administrator.";
                Self::forbidden("account_protected", detail).field("account")
            }
            Error::Seconds(seconds) => {
                let (least, most) = (limits::TIMEOUT_SECONDS.start(), limits::TIMEOUT_SECONDS.end());
                let detail = format!("{seconds} s; a timeout lasts {least} to {most} s.");
                Self::invalid("invalid_seconds", detail).field("seconds")
            }
            Error::Reason => {
                let most = limits::REASON_CHARS;
                let detail = format!("A reason has at most {most} characters, none of them control characters.");
                Self::invalid("invalid_reason", detail).field("reason")
            }
            Error::Value { field, rule } => Self::invalid("invalid_value", rule).field(field),
            Error::Full { what, limit } => {
                Self::conflict("limit_reached", format!("There are {limit} {what}, which is the limit."))
            }
            Error::AddressUnknown => Self::conflict(
                "address_unknown",
                "The process that answers does not know this account's address: it has not written here through it within a day.",
            ),
            Error::Unknown(what) => Self::not_found("not_found", format!("There is no such {what}.")),
            Error::Decided => Self::conflict("already_decided", "This was decided already, or its time is over."),
            Error::Message(error) => error.into(),
            Error::Store(_) | Error::Need(_) => {
                tracing::error!(%error, "moderation cannot answer for now");
                Self::unavailable("chat_unavailable", "Chat cannot answer for now; try again.").retry_after(1)
            }
        }
    }
}

/// A moderator's reason without blanks at its ends; none when nothing is left.
pub(crate) fn checked_reason(reason: Option<String>) -> Result<Option<String>, Error> {
    let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let fits = |reason: &String| reason.chars().count() <= limits::REASON_CHARS && !reason.contains(char::is_control);
    if reason.as_ref().is_none_or(fits) { Ok(reason) } else { Err(Error::Reason) }
}
