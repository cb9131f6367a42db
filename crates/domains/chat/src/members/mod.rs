//! Members: accounts the moderators of a channel approved. They may write while its chat is members-only.
//!
//! Limits: 10,000 approved members per channel. Accounts that are members by their age are not listed.

mod http;
mod service;
mod store;

pub use http::router;
pub use service::{Member, Members};
pub use store::MIGRATION;
