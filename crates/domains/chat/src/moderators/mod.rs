//! Moderators: who keeps order in a channel's chat. The streamer appoints and dismisses them; administrators are moderators
//! everywhere.
//!
//! Promise: who may do what is decided here alone ([`Role`]). Limits: 100 moderators per channel.

mod http;
mod model;
mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use http::ByHandle;
pub use http::router;
pub(crate) use model::Acting;
pub use model::{Moderator, Role};
pub use service::Moderators;
pub(crate) use service::role_of;
pub use store::MIGRATION;
