//! Facts about accounts.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::{AccountId, Timestamp};

/// An account was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// The new account.
    pub account: AccountId,
    /// Its handle.
    pub handle: String,
    /// When.
    pub at: Timestamp,
}

impl Event for AccountCreated {
    const KIND: &'static str = "people.account_created";
    fn key(&self) -> String {
        self.account.to_string()
    }
}
