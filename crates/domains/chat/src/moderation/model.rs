//! What a timeout is.

use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest timeout, in seconds: 7 days.
pub(super) const SECONDS: std::ops::RangeInclusive<u32> = 1..=604_800;
/// A reason, in characters.
pub(super) const REASON_CHARS: usize = 200;

/// An account that may not write in a room for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeout {
    /// Who.
    pub account: TimedOutAccount,
    /// Until when.
    pub until: Timestamp,
    /// Why, as far as the moderator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
}

/// The account that is timed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimedOutAccount {
    /// Its id.
    pub id: AccountId,
    /// Its unique name; empty when the account is gone.
    pub handle: String,
    /// The name shown to others; empty when the account is gone.
    pub display_name: String,
}

/// A timeout as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) account: AccountId,
    pub(super) until: Timestamp,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
}
