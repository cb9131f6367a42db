//! What gateways say to each other, as JSON. Versions may differ for a while: a value one does not know it leaves unread, a
//! question it does not know it answers so.

use bytes::Bytes;
use ports::about::ClientInfo;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ChannelSummary, ClientConnection, Info, Target,
    protocol::{Since, bytes_as_text},
    tokens::SubscriptionOptions,
};

/// What one gateway may answer: more would be a burden to the bus, which carries publications too.
const ANSWER_BYTES_MAX: usize = 2 << 20;

/// One word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// I am there.
    Hello(Profile),
    /// I am gone.
    Bye { id: String },
    /// I ask.
    Asks(Asked),
    /// I answer.
    Answers { from: String, number: u64, answer: Answer },
}

/// A question on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) from: String,
    pub(super) number: u64,
    /// A [`Question`].
    pub(super) question: Box<RawValue>,
}

/// A gateway, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Its name for as long as it runs; client ids begin with it.
    pub id: String,
    /// Where clients find its WebSockets; empty: where they found this answer.
    pub url: String,
    /// Of which version it is.
    pub version: String,
    /// Its connections.
    pub connections: u64,
    /// How many it may have.
    pub connections_max: u64,
    /// Whether it is about to end, and sends its clients elsewhere.
    pub draining: bool,
    /// Tells settings apart that all gateways have to share.
    pub settings: u64,
}

impl Profile {
    /// How full it is: 0 is empty, 1 is full.
    pub fn load(&self) -> f64 {
        self.connections as f64 / self.connections_max.max(1) as f64
    }
}

/// What gateways are asked; the first four are orders to all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// Subscribe connections to a channel.
    Subscribe { target: Target, given: Given },
    /// End their subscriptions to a channel.
    Unsubscribe { target: Target, channel: String, code: u32, reason: String },
    /// End connections.
    Disconnect { target: Target, code: u16, reason: String },
    /// Give connections another expiry.
    Refresh {
        target: Target,
        expires_at_ms: Option<i64>,
        #[serde(with = "bytes_as_text")]
        conn_info: Option<Bytes>,
    },
    /// Who is subscribed, unless there are more than `limit`.
    Presence { channel: String, limit: usize },
    /// How many are subscribed.
    PresenceStats { channel: String },
    /// Which channels there are.
    Channels { pattern: Option<String> },
    /// The gateway in figures.
    Info,
    /// Which connections a user has.
    Connections { user: String },
    /// Send the connections of a user's session to other gateways.
    Move { user: String, session: i64 },
    /// Take a frame of a client's session.
    Emulate {
        session: String,
        #[serde(with = "bytes_as_text")]
        data: Option<Bytes>,
    },
}

/// A subscription the server makes; what the channel offers is made of it where it is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) channel: String,
    /// For whom.
    pub(crate) user: String,
    pub(crate) options: SubscriptionOptions,
    pub(crate) expires_at_ms: Option<i64>,
    pub(crate) since: Option<Since>,
}

/// What one gateway answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The order was given to its connections.
    Given,
    /// Those who are subscribed; none: too many.
    Presence(Option<Vec<Seen>>),
    /// How many connections are subscribed, and for which users.
    PresenceStats { clients: u64, users: Users },
    /// Channels somebody is subscribed to.
    Channels(Vec<ChannelSummary>),
    /// The gateway in figures.
    Info(Node),
    /// Connections of the user.
    Connections(Vec<ClientConnection>),
    /// How many connections were told to go.
    Moved(usize),
    /// There is no gateway to which they could go.
    NowhereToGo,
    /// What became of the frame.
    Emulated(Emulated),
    /// This gateway moves as many sessions as it can keep in mind.
    TooMany,
    /// It would be larger than an answer may be.
    TooLarge,
    /// This version does not know the question.
    Unknown,
}

impl Answer {
    /// The answer, or that it is too large.
    pub(super) fn bounded(self) -> Self {
        let bytes = serde_json::to_vec(&self).map_or(usize::MAX, |json| json.len());
        if bytes > ANSWER_BYTES_MAX { Self::TooLarge } else { self }
    }
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Emulated {
    Taken,
    /// Too many wait.
    Busy,
    /// There is no such session.
    Unknown,
}

/// A gateway in figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) uptime_s: u64,
    pub(crate) info: Info,
}

/// Different users of one gateway: hashed, or their number when they are too many to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Users {
    Each(Vec<u64>),
    Count(u64),
}

/// A client, as others see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    user: String,
    client: String,
    #[serde(with = "bytes_as_text")]
    conn_info: Option<Bytes>,
    #[serde(with = "bytes_as_text")]
    chan_info: Option<Bytes>,
}

impl From<ClientInfo> for Seen {
    fn from(ClientInfo { user, client, conn_info, chan_info }: ClientInfo) -> Self {
        Self { user, client, conn_info, chan_info }
    }
}

impl From<Seen> for ClientInfo {
    fn from(Seen { user, client, conn_info, chan_info }: Seen) -> Self {
        Self { user, client, conn_info, chan_info }
    }
}
