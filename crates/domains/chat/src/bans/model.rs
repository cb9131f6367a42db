//! What bans are.

use kernel::{AccountId, AddressBanId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AddressRange;
use crate::person::Person;

/// Days of an address ban unless said otherwise.
pub(super) const DAYS_UNSAID: u32 = 30;

/// An account that is banned from a channel's chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ban {
    /// Who.
    pub account: Person,
    /// Why, as far as the moderator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
}

/// An address that is banned from a channel's chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddressBan {
    /// Its id.
    pub id: AddressBanId,
    /// The range, where a moderator typed it; the address of an account is shown to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Whose address it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Person>,
    /// Why, as far as the moderator said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Whom to ban.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewBan {
    /// The account.
    pub account: AccountId,
    /// Why, in up to 200 characters.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// Which address to ban: that of an account which wrote here within a day, or a range.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct NewAddressBan {
    /// Whose address.
    pub account: Option<AccountId>,
    /// A range in CIDR notation, for instance `192.0.2.0/24`.
    pub range: Option<String>,
    /// 1 to 365; 30 unless said.
    #[schema(minimum = 1, maximum = 365)]
    pub days: Option<u32>,
    /// Why, in up to 200 characters.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// A ban of an account as it is kept.
#[derive(Debug, Clone)]
pub(super) struct BanRow {
    pub(super) account: AccountId,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
}

/// A ban of an address as it is kept.
#[derive(Debug, Clone)]
pub(super) struct AddressRow {
    pub(super) id: AddressBanId,
    pub(super) range: AddressRange,
    pub(super) account: Option<AccountId>,
    pub(super) reason: Option<String>,
    pub(super) at: Timestamp,
    pub(super) until: Timestamp,
}
