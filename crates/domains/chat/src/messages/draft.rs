//! What goes into the log: entries that have no place yet.

use bytes::Bytes;
use kernel::{MessageId, Timestamp};
use ports::room_log::Redaction;
use sequencer::Body;

use super::model::{
    Deletion, Message, MessagePinned, MessageUnpinned, PinnedKind, RoomChanged, RoomChangedKind, UnpinnedKind,
    client_key, message_key,
};
use crate::room_settings::RoomSettings;

/// An entry that has no place yet.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    Message(Message),
    /// A message that was held. It may have been placed before, by whoever was cut off then.
    Approved(Message),
    Deletion(Deletion),
    Notice(Notice),
}

/// What readers are told in the order of the log, beside messages and deletions.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    RoomChanged(RoomChanged),
    Pinned(MessagePinned),
    Unpinned(MessageUnpinned),
}

impl Notice {
    /// The settings are these now.
    pub(crate) fn room_changed(settings: RoomSettings) -> Self {
        Self::RoomChanged(RoomChanged { kind: RoomChangedKind::RoomChanged, settings, offset: 0 })
    }

    /// This message is pinned.
    pub(crate) fn pinned(id: MessageId, message_offset: u64) -> Self {
        Self::Pinned(MessagePinned { kind: PinnedKind::MessagePinned, id, message_offset, offset: 0 })
    }

    /// This message is pinned no more.
    pub(crate) fn unpinned(id: MessageId) -> Self {
        Self::Unpinned(MessageUnpinned { kind: UnpinnedKind::MessageUnpinned, id, offset: 0 })
    }
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
            Self::Message(message) | Self::Approved(message) => serde_json::to_vec(&Message { offset, ..message }),
            Self::Deletion(deletion) => serde_json::to_vec(&Deletion { offset, ..deletion }),
            Self::Notice(Notice::RoomChanged(changed)) => serde_json::to_vec(&RoomChanged { offset, ..changed }),
            Self::Notice(Notice::Pinned(pinned)) => serde_json::to_vec(&MessagePinned { offset, ..pinned }),
            Self::Notice(Notice::Unpinned(unpinned)) => serde_json::to_vec(&MessageUnpinned { offset, ..unpinned }),
        };
        bytes.map(Bytes::from)
    }

    /// The keys that no other draft has.
    fn keys(&self) -> Vec<String> {
        match self {
            Self::Message(message) => vec![message_key(message.id)],
            Self::Approved(message) if message.client_id.is_some() => vec![message_key(message.id)],
            Self::Approved(_) | Self::Deletion(_) | Self::Notice(_) => Vec::new(),
        }
    }

    /// The key that a resend brings again. One deletion of a message is as good as another.
    fn resend_key(&self) -> Option<String> {
        let by_client_id =
            |message: &Message| message.client_id.as_ref().map(|client_id| client_key(message.account.id, client_id));
        match self {
            Self::Message(message) => by_client_id(message),
            Self::Approved(message) => by_client_id(message).or_else(|| Some(message_key(message.id))),
            Self::Deletion(deletion) => Some(format!("d:{}", deletion.id)),
            Self::Notice(_) => None,
        }
    }
}
