//! The moderation log: who did what to whom, when and why, in a channel's chat.
//!
//! Promise: an act's entry is kept in the transaction of the act. Messages live in the room log, which is another store:
//! the entry of a deletion is kept just before it, so no deletion is without one, and none has two. Limits: entries leave
//! after 90 days.

mod http;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use http::router;
pub use jobs::DropOld;
pub(crate) use model::Record;
pub use model::{Act, ModLogEntry};
pub use service::ModLog;
pub use store::{MIGRATION, ONE_DELETION};
pub(crate) use store::{record, record_deletion};
