//! What a client asks for.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One command. `id` joins the reply to it; 0 where no reply is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The client's number for it.
    pub id: u32,
    /// What is asked for.
    pub request: Request,
}

/// The commands of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Opens the session; the first command of a connection.
    Connect(Connect),
    /// Begins to receive a channel's publications.
    Subscribe(Subscribe),
    /// Ends that.
    Unsubscribe {
        /// Which channel.
        channel: String,
    },
    /// Publishes into a channel.
    Publish {
        /// Which channel.
        channel: String,
        /// The value, as it was sent; in JSON a text without line breaks.
        data: Option<Bytes>,
    },
    /// Who is subscribed to a channel.
    Presence {
        /// Which channel.
        channel: String,
    },
    /// How many are subscribed to a channel.
    PresenceStats {
        /// Which channel.
        channel: String,
    },
    /// Past publications of a channel.
    History(History),
    /// Asks for an answer, nothing else.
    Ping,
    /// A message without an answer.
    Send {
        /// The value, as it was sent; in JSON a text without line breaks.
        data: Option<Bytes>,
    },
    /// Calls a method.
    Rpc {
        /// Its name.
        method: String,
        /// The value, as it was sent; in JSON a text without line breaks.
        data: Option<Bytes>,
    },
    /// Prolongs the session.
    Refresh {
        /// The new token.
        token: String,
    },
    /// Prolongs a subscription.
    SubRefresh {
        /// Of which channel.
        channel: String,
        /// The new token.
        token: String,
    },
    /// The answer to the server's ping: an empty command.
    Pong,
    /// None of the above.
    Unknown,
}

impl Request {
    /// The names of commands, for counting.
    pub const KINDS: [&'static str; 14] = [
        "connect",
        "subscribe",
        "unsubscribe",
        "publish",
        "presence",
        "presence_stats",
        "history",
        "ping",
        "send",
        "rpc",
        "refresh",
        "sub_refresh",
        "pong",
        "unknown",
    ];

    /// The command's name is [`Self::KINDS`] at this place.
    pub fn kind(&self) -> usize {
        match self {
            Self::Connect(_) => 0,
            Self::Subscribe(_) => 1,
            Self::Unsubscribe { .. } => 2,
            Self::Publish { .. } => 3,
            Self::Presence { .. } => 4,
            Self::PresenceStats { .. } => 5,
            Self::History(_) => 6,
            Self::Ping => 7,
            Self::Send { .. } => 8,
            Self::Rpc { .. } => 9,
            Self::Refresh { .. } => 10,
            Self::SubRefresh { .. } => 11,
            Self::Pong => 12,
            Self::Unknown => 13,
        }
    }
}

/// Fields of `connect` that mean something here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connect {
    /// A session token; none for an anonymous visitor, or where a cookie carries it.
    pub token: Option<String>,
    /// The value, as it was sent.
    pub data: Option<Bytes>,
    /// What the client calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Headers of a client that cannot set any.
    pub headers: BTreeMap<String, String>,
    /// Positions in the channels the server subscribes it to.
    pub subs: BTreeMap<String, Since>,
}

/// Fields of `subscribe` that mean something here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscribe {
    /// Which channel.
    pub channel: String,
    /// The token that lets it in.
    pub token: Option<String>,
    /// The value, as it was sent.
    pub data: Option<Bytes>,
    /// The position to recover from, when asked for.
    pub recover: Option<Since>,
    /// Answer with an error instead of `recovered: false`.
    pub reject_unrecovered: bool,
    /// The client wants to know its position.
    pub positioned: bool,
    /// The client wants to be able to come back to its position.
    pub recoverable: bool,
    /// The client wants to know who comes and leaves.
    pub join_leave: bool,
    /// The client understands publications that are differences (Fossil).
    pub fossil_delta: bool,
}

/// A position in a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Since {
    /// The last publication the client has.
    pub offset: u64,
    /// The history it belongs to; empty means any.
    pub epoch: String,
}

/// Fields of `history`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Which channel.
    pub channel: String,
    /// How many publications: 0 for the position only, negative for as many as are given out at once.
    pub limit: i64,
    /// Publications behind (in reverse: before) this position; none for the beginning (in reverse: the end).
    pub since: Option<Since>,
    /// Newest first.
    pub reverse: bool,
}
