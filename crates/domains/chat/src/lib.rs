//! The chat domain: the messages of a broadcast's room, and the order its host keeps.
//!
//! Promise: a message is acknowledged only when the room log has it durably; all readers see one order; a client's own
//! id makes a resend harmless. It knows no sockets and no broadcasts: what it wants of others is in [`needs`].
//!
//! May lose: nothing that was acknowledged. A publication on the bus may be lost; its offset shows the gap, and the
//! reader finds the message in the log.

pub mod messages;
pub mod moderation;
pub mod needs;
mod service;
mod settings;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use ports::sql::Migration;
use utoipa_axum::router::OpenApiRouter;

pub use service::{Chat, Parts};
pub use settings::Settings;

/// The tables of the chat domain; messages are in the room log.
pub const MIGRATIONS: &[Migration] = &[moderation::MIGRATION];

/// The documented routes of messages and timeouts, with their full paths.
pub fn router(chat: &Chat) -> OpenApiRouter {
    messages::router(Arc::clone(chat.messages())).merge(moderation::router(Arc::clone(chat.moderation())))
}
