//! The chat domain: the messages of a broadcast's room, and the order that its streamer and moderators keep.
//!
//! Promise: a message is acknowledged only when the room log has it durably; all readers see one order; a client's own
//! id makes a resend harmless. It knows no sockets and no broadcasts: what it wants of others is in [`needs`].
//!
//! May lose: nothing that was acknowledged. A publication on the bus may be lost; its offset shows the gap, and the
//! reader finds the message in the log.

pub mod bans;
pub mod blocked_words;
pub mod error;
pub mod members;
pub mod message_counts;
pub mod messages;
pub mod mod_log;
pub mod moderators;
pub mod needs;
mod order;
mod person;
pub mod pins;
pub mod review;
pub mod room_settings;
pub mod room_state;
mod service;
mod settings;
#[cfg(test)]
mod testing;
pub mod timeouts;

use ports::sql::Migration;

pub use error::Error;
pub use person::Person;
pub use service::{Chat, Parts};
pub use settings::Settings;

/// The tables of the chat domain; messages are in the room log.
pub const MIGRATIONS: &[Migration] = &[
    timeouts::MIGRATION,
    mod_log::MIGRATION,
    mod_log::ONE_DELETION,
    moderators::MIGRATION,
    room_settings::MIGRATION,
    members::MIGRATION,
    bans::MIGRATION,
    blocked_words::MIGRATION,
    review::MIGRATION,
    pins::MIGRATION,
    message_counts::MIGRATION,
    messages::MIGRATION,
];
