//! What stands in a room's log.

use kernel::{AccountId, BroadcastId, MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::person::Person;
use crate::room_settings::RoomSettings;

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
    /// The accounts its text mentions as `@handle`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Person>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
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
    /// Whether they moderated the channel then, as appointed or as an administrator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moderator: bool,
}

/// The message that another one answers. Its text is not repeated, so that it is gone everywhere when it is deleted: a
/// reader finds it at its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplyTo {
    /// Its id.
    pub id: MessageId,
    /// Its place.
    pub offset: u64,
    /// Who wrote it.
    pub account: Person,
}

/// What to post.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewMessage {
    /// 1 to 500 characters.
    pub text: String,
    /// The sender's own id for it: sent again, it is answered with the first message.
    pub client_id: Option<String>,
    /// The message of the room it answers.
    pub reply_to: Option<MessageId>,
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
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<AccountId>,
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

/// Tells readers that the room's settings have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomChanged {
    /// Always `room_changed`.
    #[serde(rename = "type")]
    pub kind: RoomChangedKind,
    /// As they are now.
    pub settings: RoomSettings,
    /// The place of this entry.
    pub offset: u64,
}

/// Tells readers that a message was pinned, in place of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessagePinned {
    /// Always `message_pinned`.
    #[serde(rename = "type")]
    pub kind: PinnedKind,
    /// The id of the pinned message.
    pub id: MessageId,
    /// The place of the pinned message.
    pub message_offset: u64,
    /// The place of this entry.
    pub offset: u64,
}

/// Tells readers that the pinned message was taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageUnpinned {
    /// Always `message_unpinned`.
    #[serde(rename = "type")]
    pub kind: UnpinnedKind,
    /// The id of the message that was pinned.
    pub id: MessageId,
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
    /// The room's settings have changed.
    RoomChanged(RoomChanged),
    /// A message was pinned.
    MessagePinned(MessagePinned),
    /// The pinned message was taken down.
    MessageUnpinned(MessageUnpinned),
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
    /// The `type` of a change of settings.
    RoomChangedKind::RoomChanged;
    /// The `type` of a pin.
    PinnedKind::MessagePinned;
    /// The `type` of taking a pin down.
    UnpinnedKind::MessageUnpinned;
}

/// Where a message is found by its id.
pub(super) fn message_key(id: MessageId) -> String {
    format!("m:{id}")
}

/// Where a message is found by its sender's own id.
pub(super) fn client_key(account: AccountId, client_id: &str) -> String {
    format!("c:{account}:{client_id}")
}
