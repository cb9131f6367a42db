//! What a channel offers a client.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use kernel::Timestamp;
use ports::room_log::RoomLog;

/// What a channel offers one client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelRules {
    /// Where its publications are kept; none: nowhere, and a slow reader may miss some. The same for all clients.
    pub room: Option<Room>,
    /// Whether the client may ask who is subscribed.
    pub presence: bool,
    /// Whether the client may read past publications (only with a room).
    pub history: bool,
    /// Whether a subscriber can come back to where it was (only with a room).
    pub recovery: Offer,
    /// Whether a subscriber is told its position (only with a room; recovery includes it).
    pub positioning: Offer,
    /// How many publications a subscriber can have missed and be recovered; none: any number the room holds.
    pub recovery_window: Option<u64>,
    /// Whether subscribers are told who comes and leaves.
    pub join_leave: Offer,
    /// Whether this client's own coming and leaving is told to subscribers.
    pub announced: bool,
    /// Whether a subscriber may have each publication as the difference to the one before.
    pub delta: bool,
    /// What others see of the client's subscription: one JSON value.
    pub chan_info: Option<Bytes>,
    /// When the subscription has to be refreshed; none: never.
    pub expires_at: Option<Timestamp>,
    /// One JSON value that greets a subscriber: the channel's present state.
    pub data: Option<Bytes>,
}

impl ChannelRules {
    /// A channel whose publications are kept in `room`: every subscriber can come back to where it was.
    pub fn kept(room: Room) -> Self {
        Self { room: Some(room), history: true, recovery: Offer::Always, ..Self::default() }
    }
}

/// Whether a subscriber has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    /// It does not.
    #[default]
    Never,
    /// When it asks for it.
    Asked,
    /// Whether it asks for it or not.
    Always,
}

impl Offer {
    /// Whether a subscriber has it that `asked` for it or not.
    pub fn answers(self, asked: bool) -> bool {
        self == Self::Always || self == Self::Asked && asked
    }
}

/// A room of some log.
#[derive(Clone)]
pub struct Room {
    /// The log that holds it.
    pub log: Arc<dyn RoomLog>,
    /// Its name there.
    pub name: Arc<str>,
}

impl Room {
    /// The room `name` of `log`.
    pub fn new(log: Arc<dyn RoomLog>, name: &str) -> Self {
        Self { log, name: name.into() }
    }
}

/// The same room of the same log.
impl PartialEq for Room {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.log, &other.log) && self.name == other.name
    }
}

impl Eq for Room {}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({:?})", self.name)
    }
}
