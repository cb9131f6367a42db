//! What a blocked word is.

use kernel::{BlockedWordId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of a message with the word in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// It is refused, and its author told so.
    Refuse,
    /// It waits until a moderator approves it.
    Hold,
    /// It is published with the word masked.
    Mask,
}

impl Consequence {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Hold => "hold",
            Self::Mask => "mask",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Refuse, Self::Hold, Self::Mask].into_iter().find(|one| one.word() == word)
    }
}

/// A word that is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedWord {
    /// Its id.
    pub id: BlockedWordId,
    /// As the moderator wrote it.
    pub word: String,
    /// What becomes of messages with it.
    pub consequence: Consequence,
    /// Since when.
    pub at: Timestamp,
}

/// A word to block.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewBlockedWord {
    /// 1 to 60 characters; `*` at its beginning or end stands for any letters there.
    #[schema(min_length = 1, max_length = 60)]
    pub word: String,
    /// What becomes of messages with it.
    pub consequence: Consequence,
}
