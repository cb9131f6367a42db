//! What waits.

use kernel::{AccountId, BroadcastId, MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::person::Person;

/// How long a message waits, in milliseconds: a day.
pub(super) const WAITS_MS: i64 = 24 * 60 * 60 * 1_000;

/// The `type` of a held message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// The only one.
    Held,
}

/// A message that waits for review, as its author sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldMessage {
    /// Always `held`.
    #[serde(rename = "type")]
    pub kind: HeldKind,
    /// Its id; the same when it is published.
    pub id: MessageId,
    /// What was written.
    pub text: String,
    /// The sender's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Since when it waits.
    pub at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// A message that waits for review, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewItem {
    /// Its id.
    pub id: MessageId,
    /// In which broadcast's room.
    pub broadcast: BroadcastId,
    /// Who wrote it.
    pub account: Person,
    /// What was written.
    pub text: String,
    /// The blocked word in it.
    pub word: String,
    /// Since when it waits.
    pub at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// How far a held message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    /// Approved, and perhaps not published yet.
    Approving,
    Approved,
    Rejected,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approving => "approving",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Approving, Self::Approved, Self::Rejected].into_iter().find(|one| one.word() == word)
    }
}

/// A held message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldRow {
    pub(crate) id: MessageId,
    pub(crate) host: AccountId,
    pub(crate) broadcast: BroadcastId,
    pub(crate) account: AccountId,
    pub(crate) text: String,
    pub(crate) client_id: Option<String>,
    pub(crate) reply_to: Option<MessageId>,
    pub(crate) word: String,
    pub(crate) at: Timestamp,
}

impl HeldRow {
    /// Until when it waits.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.at.plus_millis(WAITS_MS)
    }

    /// As its author sees it.
    pub(super) fn shown(self) -> HeldMessage {
        let expires_at = self.expires_at();
        let Self { id, text, client_id, at, .. } = self;
        HeldMessage { kind: HeldKind::Held, id, text, client_id, at, expires_at }
    }
}
