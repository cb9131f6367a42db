//! What the gateway needs of others: who a client is, and what a channel means. The binary wires them.

use std::{borrow::Cow, net::IpAddr};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Caller;

use crate::protocol::codes::{self, ErrorCode};

/// Finds out who a client is.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// The caller behind the token of the connect command, or else behind the session cookie of the upgrade request.
    /// Without either: anonymous, or refused.
    async fn authenticate(&self, token: Option<&str>, cookie: Option<&str>, address: IpAddr)
    -> Result<Caller, Refused>;
}

/// Why a client may not connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The token is none of ours: disconnect 3500, the client stays away.
    InvalidToken,
    /// The token has run out: error 109, the client fetches a new one.
    TokenExpired,
    /// It cannot be found out now: error 100, the client tries again. The cause was logged where it arose.
    Unavailable,
}

/// What channels mean. A command's future may be dropped when its client goes away.
#[async_trait]
pub trait Channels: Send + Sync + 'static {
    /// Whether the caller may have this channel, and what the channel offers.
    async fn open(&self, caller: &Caller, channel: &str) -> Result<ChannelRules, ClientError>;

    /// Publishes for the caller; returns when it is durable.
    async fn publish(&self, caller: &Caller, channel: &str, data: Bytes) -> Result<(), ClientError>;

    /// Publishes several of one client's publications in their order; one answer for each. Here because a client that
    /// does not wait for answers sends many: they can become durable together.
    async fn publish_group(&self, caller: &Caller, channel: &str, group: Vec<Bytes>) -> Vec<Result<(), ClientError>> {
        let mut answers = Vec::with_capacity(group.len());
        for data in group {
            answers.push(self.publish(caller, channel, data).await);
        }
        answers
    }

    /// Calls a method; the answer is one JSON value.
    async fn rpc(&self, caller: &Caller, method: &str, data: Bytes) -> Result<Bytes, ClientError>;
}

/// What a channel offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelRules {
    /// The room whose log holds its publications; none: nothing is kept, and a slow reader may miss some.
    pub room: Option<String>,
    /// Whether clients may ask who is subscribed.
    pub presence: bool,
    /// Whether clients may read past publications (only with a room).
    pub history: bool,
    /// One JSON value that greets a subscriber: the channel's present state.
    pub data: Option<Bytes>,
}

/// Why a client's command failed, as the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// The number; those of the protocol are in [`codes`], an application's own begin at 400.
    pub code: u32,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// Whether the same command may succeed later.
    pub temporary: bool,
}

impl From<ErrorCode> for ClientError {
    fn from(error: ErrorCode) -> Self {
        Self { code: error.code, message: error.message.into(), temporary: error.temporary }
    }
}

impl ClientError {
    /// An error with a sentence of its own.
    pub fn new(code: u32, message: impl Into<Cow<'static, str>>, temporary: bool) -> Self {
        Self { code, message: message.into(), temporary }
    }

    /// The same error with a sentence that says more.
    pub fn because(error: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..error.into() }
    }

    pub(crate) fn limit(what: &str, limit: usize) -> Self {
        Self::because(codes::LIMIT_EXCEEDED, format!("limit exceeded: {what}, at most {limit}"))
    }
}
