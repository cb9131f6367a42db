//! What goes to a client besides plain publications: replies, one per command that has an id, and pushes.

use std::sync::Arc;

use bytes::Bytes;
use ports::about::ClientInfo;

use super::{
    DataForm, Published,
    codes::{Disconnect, Unsubscribe},
};
use crate::needs::ClientError;

/// One message to a client.
#[derive(Debug)]
pub(crate) enum Message {
    /// The answer to the command with this id.
    Reply(u32, Reply),
    /// Unasked, about a channel; the name is empty when it is about the connection.
    Push(Arc<str>, Push),
}

/// What a command is answered with.
#[derive(Debug)]
pub(crate) enum Reply {
    Connect(Box<ConnectResult>),
    Subscribe(SubscribeResult),
    Unsubscribe,
    Publish,
    Presence(Vec<ClientInfo>),
    PresenceStats { clients: u64, users: u64 },
    History(HistoryResult),
    Ping,
    Rpc(Bytes),
    Refresh { client: Arc<str>, lifetime: Lifetime },
    SubRefresh(Lifetime),
    Error(ClientError),
}

/// What a client is told without having asked.
#[derive(Debug)]
pub(crate) enum Push {
    Join(Arc<ClientInfo>),
    Leave(Arc<ClientInfo>),
    Unsubscribe(Unsubscribe),
    Message(Bytes),
    Subscribe(SubscribeResult),
    Disconnect(Disconnect),
    Refresh(Lifetime),
}

/// Seconds until a refresh is due; none: it is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lifetime(pub(crate) Option<u32>);

/// What a client learns when its session is open.
#[derive(Debug, Default)]
pub(crate) struct ConnectResult {
    pub(crate) client: Arc<str>,
    pub(crate) lifetime: Lifetime,
    /// A value from the application.
    pub(crate) data: Option<Bytes>,
    /// The subscriptions the server made.
    pub(crate) subs: Vec<(Arc<str>, SubscribeResult)>,
    /// Seconds between the server's pings; 0: it does not ping in this way.
    pub(crate) ping_s: u32,
    /// Names the session and the process for transports of several requests; may be empty.
    pub(crate) session: Arc<str>,
    pub(crate) node: Arc<str>,
    /// Milliseconds since the Unix epoch.
    pub(crate) time_ms: i64,
}

/// What a client learns when its subscription is open.
#[derive(Debug, Default)]
pub(crate) struct SubscribeResult {
    pub(crate) lifetime: Lifetime,
    /// On channels that tell it: where the client stands.
    pub(crate) place: Option<Place>,
    /// The value the channel greets with.
    pub(crate) data: Option<Bytes>,
    /// Publications may come as differences.
    pub(crate) delta: bool,
}

/// Where a subscription begins.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) epoch: Arc<str>,
    /// When recovered, the position asked for; otherwise the newest.
    pub(crate) offset: u64,
    pub(crate) recoverable: bool,
    pub(crate) was_recovering: bool,
    pub(crate) recovered: bool,
    /// What was missed, oldest first.
    pub(crate) publications: Vec<Arc<Published>>,
}

impl Place {
    /// What was missed, each with the form it is written in and the one before it. With `delta` all but the first may be
    /// differences.
    pub(super) fn in_a_row(&self, delta: bool) -> impl Iterator<Item = (&Published, DataForm, Option<&Published>)> {
        let before = std::iter::once(None).chain(self.publications.iter().map(|one| Some(&**one)));
        self.publications.iter().zip(before).map(move |(one, before)| {
            let form = match (delta, before) {
                (false, _) => DataForm::Plain,
                (true, None) => DataForm::Whole,
                (true, Some(_)) => DataForm::Difference,
            };
            (&**one, form, before)
        })
    }
}

/// Past publications, and the newest position.
#[derive(Debug, Default)]
pub(crate) struct HistoryResult {
    pub(crate) publications: Vec<Arc<Published>>,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}
