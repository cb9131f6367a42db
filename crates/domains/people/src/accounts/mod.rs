//! Accounts: who people are to each other.
//!
//! Promise: a handle is one account's for ever, whatever its case; names and texts keep to `kernel::limits`. An account,
//! its first session and the fact `AccountCreated` are kept together or not at all.

mod error;
mod http;
mod model;
mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use http::router;
pub use model::{Account, Bio, Changes, DisplayName, Handle, Name, NewAccount, Password, Profile, RuleBroken};
pub use service::Accounts;
pub use store::MIGRATION;
