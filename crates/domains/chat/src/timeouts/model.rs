//! What a timeout is.

use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::person::Person;

/// An account that may not write in a room for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeout {
    /// Who.
    pub account: Person,
    /// Until when.
    pub until: Timestamp,
    /// Why, as far as the moderator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
}

/// A timeout as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) account: AccountId,
    pub(super) until: Timestamp,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
}
