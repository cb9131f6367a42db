//! Administration: who administers the site.
//!
//! Promise: the first start's link makes at most one visitor administrator: claiming it is one conditional write on the
//! one row of `administrator_link`. Each start makes a fresh link as long as the row is unclaimed; the one before ends.
//! The token is kept only hashed.

mod error;
mod http;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use http::{Claim, router};
pub use service::Administration;
pub use store::MIGRATION;
