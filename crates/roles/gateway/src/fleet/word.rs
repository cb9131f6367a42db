//! What gateways say to each other, as JSON: what one version does not know in another's word it leaves unread.

use bytes::Bytes;
use ports::about::ClientInfo;
use serde::{Deserialize, Serialize};

use super::bytes_as_text;
use crate::{ChannelSummary, Info, Target, protocol::Since, tokens::SubscriptionOptions};

/// One word.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// I am there.
    Hello(Profile),
    /// I am gone.
    Bye { id: String },
    /// I ask all of you.
    Asks { from: String, number: u64, question: Question },
    /// I answer.
    Answers { from: String, number: u64, answer: Answer },
}

/// A gateway, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name for as long as it runs; client ids begin with it.
    pub id: String,
    /// Where clients find its WebSockets.
    pub url: String,
    /// Of which version it is.
    pub version: String,
    /// Its connections.
    pub connections: u64,
    /// How many it may have.
    pub connections_max: u64,
    /// Whether it is about to end, and sends its clients elsewhere.
    pub draining: bool,
}

impl Profile {
    /// How full it is: 0 is empty, 1 is full.
    pub fn load(&self) -> f64 {
        self.connections as f64 / self.connections_max.max(1) as f64
    }
}

/// What all gateways are asked; the first five are orders.
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
    /// Hand clients a value.
    Send {
        target: Target,
        #[serde(with = "bytes_as_text")]
        data: Option<Bytes>,
    },
    /// Who is subscribed, unless there are more than `limit`.
    Presence { channel: String, limit: usize },
    /// How many are subscribed.
    PresenceStats { channel: String },
    /// Which channels there are.
    Channels { pattern: Option<String> },
    /// The gateway in figures.
    Info,
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
    /// So many connections were told.
    Told(usize),
    /// Those who are subscribed; none: too many.
    Presence(Option<Vec<Seen>>),
    /// How many connections are subscribed, and for which users (hashed), or for how many when they are too many to be told.
    PresenceStats { clients: u64, users: Users },
    /// Channels somebody is subscribed to.
    Channels(Vec<ChannelSummary>),
    /// The gateway in figures.
    Info(Node),
    /// What became of the frame.
    Emulated(Emulated),
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
    /// Where clients find it; empty when it is alone.
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) uptime_s: u64,
    pub(crate) info: Info,
}

/// Different users of one gateway.
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
