//! Why a message could not be posted, read or deleted, and how the client is told.

use kernel::{Problem, limits};
use ports::room_log::RoomLogError;

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
    /// The broadcast is over.
    #[error("the room is closed")]
    RoomClosed,
    /// Nothing to read in it.
    #[error("the text is empty")]
    TextEmpty,
    /// More characters than fit.
    #[error("the text is too long")]
    TextTooLong,
    /// Control characters in it.
    #[error("the text has control characters")]
    TextControl,
    /// The client's own id breaks its rule.
    #[error("the client id breaks its rule")]
    ClientId,
    /// The account may not write for a while.
    #[error("timed out for {seconds} s")]
    TimedOut {
        /// For how long.
        seconds: u64,
    },
    /// The account writes faster than allowed.
    #[error("too fast; again in {seconds} s")]
    TooFast {
        /// When it may write again.
        seconds: u64,
    },
    /// There is no such message in the room.
    #[error("no such message")]
    MessageUnknown,
    /// The message that was resent has been deleted.
    #[error("the message was deleted")]
    MessageDeleted,
    /// Only its author, the host and administrators delete a message.
    #[error("not allowed to delete")]
    NotAllowed,
    /// A queue or the number of rooms is at its limit, which the text names.
    #[error("busy: {0}")]
    Busy(String),
    /// The log could not answer; the message may or may not have been kept.
    #[error(transparent)]
    Log(#[from] RoomLogError),
    /// An entry of the log is none of ours.
    #[error("an entry of the log cannot be read or written: {0}")]
    Entry(#[from] serde_json::Error),
    /// Somebody else could not answer.
    #[error("chat asked in vain: {0}")]
    Need(#[from] NeedError),
}

impl From<sequencer::Error> for Error {
    fn from(error: sequencer::Error) -> Self {
        match error {
            sequencer::Error::Busy(limit) => Self::Busy(limit),
            sequencer::Error::Refused(rule) => Self::Log(RoomLogError::Refused(rule)),
            sequencer::Error::Unknown(failure) => Self::Log(RoomLogError::Engine(failure)),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SignInRequired => Self::unauthorized("sign_in_required", "Sign in to do this."),
            Error::BroadcastUnknown => Self::not_found("broadcast_unknown", "There is no such broadcast."),
            Error::RoomClosed => Self::conflict("room_closed", "The broadcast is over and its chat is closed."),
            Error::TextEmpty => Self::invalid("text_empty", "The message has no text to read.").field("text"),
            Error::TextTooLong => {
                let detail = format!("A message has at most {} characters.", limits::MESSAGE_CHARS);
                Self::invalid("text_too_long", detail).field("text")
            }
            Error::TextControl => {
                let detail = "Of control characters a message may have only line breaks.";
                Self::invalid("text_control_characters", detail).field("text")
            }
            Error::ClientId => {
                let most = limits::CLIENT_ID_BYTES;
                let detail = format!("A client id has 1 to {most} bytes without control characters.");
                Self::invalid("invalid_client_id", detail).field("client_id")
            }
            Error::TimedOut { seconds } => {
                Self::forbidden("timed_out", format!("You cannot write here for {seconds} more seconds."))
                    .retry_after(seconds)
            }
            Error::TooFast { seconds } => {
                Self::too_many("chat_rate", format!("You write too fast; try again in {seconds} s."))
                    .retry_after(seconds)
            }
            Error::MessageUnknown => Self::not_found("message_unknown", "There is no such message in this room."),
            Error::MessageDeleted => {
                Self::conflict("message_deleted", "This message was sent before and then deleted.")
            }
            Error::NotAllowed => {
                Self::forbidden("not_allowed", "Only its author, the host and administrators can delete a message.")
            }
            Error::Busy(limit) => Self::unavailable("chat_busy", format!("Chat is busy: {limit}.")).retry_after(1),
            Error::Log(_) | Error::Need(_) => {
                tracing::error!(%error, "chat cannot answer for now");
                Self::unavailable("chat_unavailable", "Chat cannot answer for now; try again.").retry_after(1)
            }
            Error::Entry(_) => {
                tracing::error!(%error, "chat failed");
                Self::internal()
            }
        }
    }
}
