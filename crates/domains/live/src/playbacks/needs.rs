//! What playback sessions want of others.

use std::net::IpAddr;

use async_trait::async_trait;
use kernel::AccountId;

use crate::needs::NeedError;

/// Knows who is signed in (the people domain).
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// The account whose session token this is; `None` when it is nobody's.
    async fn account(&self, token: &str) -> Result<Option<AccountId>, NeedError>;
}

/// Knows how many players an address has (the viewers slice, in the process that counts them).
pub trait Players: Send + Sync + 'static {
    /// Players of this address that count now.
    fn players_from(&self, address: IpAddr) -> u32;
}
