//! Facts about chats.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::{BroadcastId, Timestamp};

/// Messages were posted in a broadcast's room since the last such fact. They themselves are in the room log, which is the
/// source: this says where it is worth looking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesPosted {
    /// Whose room.
    pub broadcast: BroadcastId,
    /// When that was noticed, some seconds after the first of them.
    pub at: Timestamp,
}

impl Event for MessagesPosted {
    const KIND: &'static str = "chat.messages_posted";
    fn key(&self) -> String {
        self.broadcast.to_string()
    }
}
