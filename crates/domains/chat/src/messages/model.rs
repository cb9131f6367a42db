//! What stands in a room's log.

use bytes::Bytes;
use kernel::{AccountId, BroadcastId, MessageId, Timestamp};
use ports::room_log::Redaction;
use sequencer::Body;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The room of a broadcast: the name of its log and of its channel.
pub fn room_name(broadcast: BroadcastId) -> String {
    format!("chat:{broadcast}")
}

/// A message as every reader gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Always `message`.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    /// Its id.
    pub id: MessageId,
    /// What was written, unchanged; the reader escapes it.
    pub text: String,
    /// The sender's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// When it was accepted.
    pub at: Timestamp,
    /// Who wrote it.
    pub account: Author,
    /// Its place in the room: contiguous from 1.
    pub offset: u64,
}

/// Who wrote a message, as they were called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// The account.
    pub id: AccountId,
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
    /// Whether the show is theirs.
    pub host: bool,
}

/// What stands in the place of a deleted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tombstone {
    /// Always `deleted`.
    #[serde(rename = "type")]
    pub kind: TombstoneKind,
    /// The id of the message that stood here.
    pub id: MessageId,
    /// When that message was accepted.
    pub at: Timestamp,
    /// Its place.
    pub offset: u64,
}

/// Tells readers that an earlier message is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deletion {
    /// Always `message_deleted`.
    #[serde(rename = "type")]
    pub kind: DeletionKind,
    /// The id of the deleted message.
    pub id: MessageId,
    /// The place of the deleted message.
    pub message_offset: u64,
    /// The place of this entry.
    pub offset: u64,
}

/// One entry of a room's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum HistoryItem {
    /// A message.
    Message(Message),
    /// A message was here.
    Deleted(Tombstone),
    /// A message was deleted.
    MessageDeleted(Deletion),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident :: $variant:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            /// The only one.
            $variant,
        }
    )+};
}

kinds! {
    /// The `type` of a message.
    MessageKind::Message;
    /// The `type` of a tombstone.
    TombstoneKind::Deleted;
    /// The `type` of a deletion.
    DeletionKind::MessageDeleted;
}

/// An entry that has no place yet.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Message(Message),
    Deletion(Deletion),
}

impl Draft {
    /// The entry as the room's sequencer takes it.
    pub(super) fn of(self, at: Timestamp, redacts: Option<Redaction>) -> sequencer::Draft {
        let (keys, resend_key) = (self.keys(), self.resend_key());
        let body = Body::ByPlace(Box::new(move |offset| self.at(offset).map_err(|error| error.to_string())));
        sequencer::Draft { body, at, keys, resend_key, redacts, about: None }
    }

    /// The entry's bytes at this place.
    fn at(&self, offset: u64) -> Result<Bytes, serde_json::Error> {
        let bytes = match self.clone() {
            Self::Message(message) => serde_json::to_vec(&Message { offset, ..message }),
            Self::Deletion(deletion) => serde_json::to_vec(&Deletion { offset, ..deletion }),
        };
        bytes.map(Bytes::from)
    }

    /// The keys that no other draft has.
    fn keys(&self) -> Vec<String> {
        match self {
            Self::Message(message) => vec![message_key(message.id)],
            Self::Deletion(_) => Vec::new(),
        }
    }

    /// The key that a resend brings again. One deletion of a message is as good as another.
    fn resend_key(&self) -> Option<String> {
        match self {
            Self::Message(message) => {
                message.client_id.as_ref().map(|client_id| client_key(message.account.id, client_id))
            }
            Self::Deletion(deletion) => Some(format!("d:{}", deletion.id)),
        }
    }
}

/// Where a message is found by its id.
pub(super) fn message_key(id: MessageId) -> String {
    format!("m:{id}")
}

/// Where a message is found by its sender's own id.
pub(super) fn client_key(account: AccountId, client_id: &str) -> String {
    format!("c:{account}:{client_id}")
}
