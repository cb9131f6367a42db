//! Timeouts: a moderator silences an account in a room for a while.
//!
//! Promise: a timeout is kept when the call returns and ends by its own time. It takes no message back; deleting is the
//! messages slice's. Limits: 1 second to 7 days; a reason of 200 characters.

mod http;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use http::router;
pub use jobs::DropExpired;
pub use model::Timeout;
pub use service::Timeouts;
pub use store::MIGRATION;
