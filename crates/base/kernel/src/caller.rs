//! Who is asking.

use std::net::IpAddr;

use crate::{AccountId, SessionId};

/// A signed-in account, as much of it as rules and messages need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The session it signed in with.
    pub session: SessionId,
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
    /// Whether it holds the administrator's grant.
    pub admin: bool,
}

/// Who is asking, and from which address. Anonymous callers have no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account, when signed in.
    pub identity: Option<Identity>,
    /// The client's address, after trusted proxies.
    pub address: IpAddr,
}

impl Caller {
    /// A caller without an account.
    pub fn anonymous(address: IpAddr) -> Self {
        Self { identity: None, address }
    }

    /// The account, when signed in.
    pub fn account(&self) -> Option<AccountId> {
        self.identity.as_ref().map(|identity| identity.account)
    }

    /// Whether the caller is an administrator.
    pub fn is_admin(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.admin)
    }
}
