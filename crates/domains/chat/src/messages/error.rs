//! Why a message could not be posted, read or deleted, and how the client is told.

use kernel::{Problem, Rate, limits};
use ports::room_log::RoomLogError;
use ports::sql::SqlError;

use crate::needs::NeedError;
use crate::review::HeldMessage;

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
    /// The account, or the address it comes from, may not write in the channel.
    #[error("banned")]
    Banned,
    /// Only those who keep order write.
    #[error("the room is read-only")]
    ReadOnly,
    /// Only members write.
    #[error("the room is for members only")]
    MembersOnly {
        /// When the account becomes one by its age; none: only by approval.
        seconds: Option<u64>,
    },
    /// Only emoji and emotes may be written.
    #[error("the room takes emotes only")]
    EmoteOnly,
    /// The room is in slow mode.
    #[error("slow mode; again in {seconds} s")]
    SlowMode {
        /// Seconds between two messages of an account.
        every: u32,
        /// When the account may write again.
        seconds: u64,
    },
    /// The room gets more messages than it takes.
    #[error("the room is too busy; again in {seconds} s")]
    RoomRate {
        /// The rate of the room.
        rate: Rate,
        /// When to try again.
        seconds: u64,
    },
    /// A word that is refused is in it.
    #[error("a blocked word: {0}")]
    BlockedWord(String),
    /// Not published yet: it waits for a moderator.
    #[error("the message waits for review")]
    Held(Box<HeldMessage>),
    /// As many messages as fit wait for review.
    #[error("too many messages wait for review")]
    ReviewFull,
    /// A moderator rejected it.
    #[error("the message was rejected")]
    Rejected,
    /// The message it answers is not there.
    #[error("the message it answers is not there")]
    ReplyUnknown,
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
    /// The database failed.
    #[error("chat: {0}")]
    Store(#[from] SqlError),
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
            Error::Banned => Self::forbidden("banned", "You cannot write in this channel's chat."),
            Error::ReadOnly => {
                Self::forbidden("read_only", "The chat is read-only: only its host and moderators write.")
            }
            Error::MembersOnly { seconds: Some(seconds) } => {
                let detail = format!("The chat is for members only; you are one in {seconds} s.");
                Self::forbidden("members_only", detail).retry_after(seconds)
            }
            Error::MembersOnly { seconds: None } => {
                Self::forbidden("members_only", "The chat is for members only; its moderators approve them.")
            }
            Error::EmoteOnly => {
                let detail = "The chat takes emoji and the site's emotes only.";
                Self::forbidden("emote_only", detail).field("text")
            }
            Error::SlowMode { every, seconds } => {
                let detail = format!("Slow mode: one message in {every} s; you may write again in {seconds} s.");
                Self::too_many("slow_mode", detail).retry_after(seconds)
            }
            Error::RoomRate { rate, seconds } => {
                let detail = format!("This chat takes at most {rate} messages; try again in {seconds} s.");
                Self::too_many("room_rate", detail).retry_after(seconds)
            }
            Error::BlockedWord(word) => {
                Self::invalid("blocked_word", format!("{word:?} may not be written in this chat.")).field("text")
            }
            Error::Held(_) => Self::conflict("message_held", "The message waits until a moderator has seen it."),
            Error::ReviewFull => {
                let detail = "Too many messages wait for review; try again later.";
                Self::too_many("review_full", detail).retry_after(60)
            }
            Error::Rejected => Self::conflict("message_rejected", "A moderator has rejected this message."),
            Error::ReplyUnknown => {
                Self::invalid("reply_unknown", "The message this one answers is not in the room.").field("reply_to")
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
                Self::forbidden("not_allowed", "Only its author, the host and moderators can delete a message.")
            }
            Error::Busy(limit) => Self::unavailable("chat_busy", format!("Chat is busy: {limit}.")).retry_after(1),
            Error::Log(_) | Error::Need(_) | Error::Store(_) => {
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
