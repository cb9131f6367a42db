//! Message counts: how many messages a broadcast's room got, and from whom.
//!
//! Promise: exact. The room log is read with a cursor, and the cursor is kept in the transaction of the counts: no message is
//! counted twice or left out, whatever dies in between, and a total that is asked for is read to the log's end first. A
//! message that was deleted later was posted, and counts. Tombstones from before they named the author do not.
//!
//! Limits: the log is read by pages of 1,000. The counts can be rebuilt: empty both tables.

mod jobs;
mod service;
mod spoken;
mod store;
#[cfg(test)]
mod tests;

pub use jobs::{COUNT_MESSAGES, CountMessages, TellOfMessages};
pub use service::{MessageCounts, MessageTotal};
pub(crate) use spoken::Spoken;
pub use store::MIGRATION;
