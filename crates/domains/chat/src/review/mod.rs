//! Review: messages with a word that is held wait here, oldest first, until a moderator approves or rejects them.
//!
//! Promise: a held message survives restarts; its author sees it as waiting. An approved one is published in the room at the
//! time of its approval, once, also when the process dies in between. A resend is known by its client id for a day.
//! Limits: 1,000 messages wait per channel, 5 per account; each for a day, then it is forgotten.

mod http;
mod jobs;
mod model;
mod queue;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use http::router;
pub use jobs::{DropExpired, FinishApprovals};
pub(crate) use model::HeldRow;
pub use model::{HeldMessage, ReviewItem};
pub(crate) use queue::{HoldOutcome, Queue};
pub use service::Review;
pub use store::MIGRATION;
