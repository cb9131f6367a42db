//! Bans: an account may not write in any room of a channel until the ban is lifted; nor may whoever comes from a banned
//! address.
//!
//! **Addresses stay hidden.** From which address an account wrote is kept in memory alone, for a day at most, and shown to
//! nobody: a moderator bans "the address of this account" without seeing it. Processes do not tell each other: who is asked to
//! ban it knows it only if the account wrote through the same process, and says so. Those who are banned are told the same
//! whichever ban it is. An IPv6 address counts with its /64.
//!
//! Limits: 50,000 accounts and 500 address ranges per channel; the ban of an address ends by its own time, because
//! addresses change hands. May lose: which address an account wrote from, at a restart; then it can be banned once the
//! account has written again.

mod addresses;
mod http;
mod jobs;
mod model;
mod range;
mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use addresses::AuthorAddresses;
pub use http::router;
pub use jobs::{DropExpired, ForgetAddresses};
pub use model::{AddressBan, Ban, NewAddressBan, NewBan};
pub use range::AddressRange;
pub use service::Bans;
pub use store::MIGRATION;
