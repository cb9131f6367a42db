//! What the log says.

use kernel::{AccountId, BroadcastId, MessageId, ModLogId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::person::Person;

/// How long an entry is kept, in milliseconds: 90 days.
pub(super) const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A message was deleted; `detail` is its text.
    MessageDeleted,
    /// A message was pinned; `detail` is its text.
    MessagePinned,
    /// The pinned message was taken down.
    MessageUnpinned,
    /// An account was timed out; `detail` is for how many seconds.
    TimedOut,
    /// A timeout was lifted.
    TimeoutLifted,
    /// An account was banned.
    Banned,
    /// A ban was lifted.
    Unbanned,
    /// An address was banned; `detail` is the range where a moderator typed it.
    AddressBanned,
    /// The ban of an address was lifted.
    AddressUnbanned,
    /// A moderator was appointed.
    ModeratorAppointed,
    /// A moderator was dismissed.
    ModeratorDismissed,
    /// A member was approved.
    MemberApproved,
    /// A member was removed.
    MemberRemoved,
    /// The room's settings were changed; `detail` lists what is new.
    SettingsChanged,
    /// A word was blocked; `detail` is the word.
    WordBlocked,
    /// A word was unblocked; `detail` is the word.
    WordUnblocked,
    /// A held message was approved; `detail` is its text.
    HeldApproved,
    /// A held message was rejected; `detail` is its text.
    HeldRejected,
}

impl Act {
    const ALL: [(Self, &'static str); 18] = [
        (Self::MessageDeleted, "message_deleted"),
        (Self::MessagePinned, "message_pinned"),
        (Self::MessageUnpinned, "message_unpinned"),
        (Self::TimedOut, "timed_out"),
        (Self::TimeoutLifted, "timeout_lifted"),
        (Self::Banned, "banned"),
        (Self::Unbanned, "unbanned"),
        (Self::AddressBanned, "address_banned"),
        (Self::AddressUnbanned, "address_unbanned"),
        (Self::ModeratorAppointed, "moderator_appointed"),
        (Self::ModeratorDismissed, "moderator_dismissed"),
        (Self::MemberApproved, "member_approved"),
        (Self::MemberRemoved, "member_removed"),
        (Self::SettingsChanged, "settings_changed"),
        (Self::WordBlocked, "word_blocked"),
        (Self::WordUnblocked, "word_unblocked"),
        (Self::HeldApproved, "held_approved"),
        (Self::HeldRejected, "held_rejected"),
    ];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(act, _)| *act == self).map_or("", |(_, word)| word)
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, one)| *one == word).map(|(act, _)| *act)
    }
}

/// One entry as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModLogEntry {
    /// Its id; later entries have larger ones.
    pub id: ModLogId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub moderator: Person,
    /// What.
    pub act: Act,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Person>,
    /// In which broadcast's room, when it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<BroadcastId>,
    /// More about it; see the acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why, as far as the moderator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: ModLogId,
    pub(crate) host: AccountId,
    pub(crate) moderator: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) act: Act,
    pub(crate) account: Option<AccountId>,
    pub(crate) broadcast: Option<BroadcastId>,
    pub(crate) message: Option<MessageId>,
    pub(crate) detail: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Record {
    /// About this account.
    pub(crate) fn about(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// In this broadcast's room.
    pub(crate) fn in_room(mut self, broadcast: BroadcastId) -> Self {
        self.broadcast = Some(broadcast);
        self
    }

    /// About this message.
    pub(crate) fn of_message(mut self, message: MessageId) -> Self {
        self.message = Some(message);
        self
    }

    /// With more about it.
    pub(crate) fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// For this reason, if there is one.
    pub(crate) fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}
