//! Who a client is.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Caller, Timestamp};
use ports::about::ClientInfo;

use super::{ChannelRules, ClientError};
use crate::protocol::{
    Since,
    codes::{self, Disconnect},
};

/// Finds out who a client is.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Who connects: the one behind the token of the connect command, or else behind the session cookie of the upgrade
    /// request. Without either: anonymous, or refused.
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused>;

    /// Who the client is now, by the same proof. Asked before a client acts, and with each ping, when
    /// [`Connected::can_end`] said so.
    async fn still(&self, proof: &Proof, address: IpAddr) -> Result<Caller, Refused> {
        let _ = (proof, address);
        Err(Refused::InvalidToken)
    }

    /// Prolongs the connection by a new token, which must be the same user's.
    async fn refresh(&self, client: &Client, token: &str) -> Result<Refreshed, Refused> {
        let _ = (client, token);
        Err(Refused::Error(codes::NOT_AVAILABLE.into()))
    }
}

/// What a client shows to say who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The token of its connect command.
    pub token: Option<String>,
    /// The session cookie of its request.
    pub cookie: Option<String>,
}

/// What a client sent to connect.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    /// Who it says it is.
    pub proof: Arc<Proof>,
    /// From where it connects.
    pub address: IpAddr,
    /// The id other clients will see.
    pub client: Arc<str>,
    /// A value for the application.
    pub data: Option<Bytes>,
    /// What the client calls itself; may be empty.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
    /// Headers a client that cannot set any sent in the connect command instead; as trustworthy as the client.
    pub headers: BTreeMap<String, String>,
}

/// A client that may connect.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Who it is.
    pub caller: Caller,
    /// Whom it stands for, as other clients see it; empty for an anonymous visitor.
    pub user: String,
    /// What others see of the connection besides: one JSON value.
    pub conn_info: Option<Bytes>,
    /// When the connection has to be refreshed; none: never.
    pub expires_at: Option<Timestamp>,
    /// A value for the client, in the reply.
    pub data: Option<Bytes>,
    /// Channels it is subscribed to without asking.
    pub subscriptions: Vec<ServerSubscription>,
    /// Whether its proof can stop being good at any time: [`Connector::still`] is asked about that.
    pub can_end: bool,
}

impl Connected {
    /// A client without an expiry and without subscriptions, that goes by its account.
    pub fn new(caller: Caller) -> Self {
        let user = caller.account().map(|account| account.to_string()).unwrap_or_default();
        let can_end = caller.identity.is_some();
        Self { caller, user, conn_info: None, expires_at: None, data: None, subscriptions: Vec::new(), can_end }
    }
}

/// A subscription the server makes for a client.
#[derive(Debug, Clone)]
pub struct ServerSubscription {
    /// To which channel.
    pub channel: String,
    /// What the channel offers the client.
    pub rules: ChannelRules,
    /// From which position on; none: from now on, or from where the client says it was.
    pub since: Option<Since>,
}

impl ServerSubscription {
    /// A subscription from now on.
    pub fn new(channel: impl Into<String>, rules: ChannelRules) -> Self {
        Self { channel: channel.into(), rules, since: None }
    }
}

/// A connected client, as it acts.
#[derive(Debug, Clone)]
pub struct Client {
    /// The id other clients see.
    pub id: Arc<str>,
    /// Who it is.
    pub caller: Caller,
    /// Whom it stands for, as other clients see it; empty for an anonymous visitor.
    pub user: Arc<str>,
    /// What others see of the connection besides: one JSON value.
    pub conn_info: Option<Bytes>,
    /// Since when it has been here.
    pub since: Timestamp,
}

impl Client {
    /// What others see of it; `rules` are those of its subscription, where it is seen in a channel.
    pub fn info(&self, rules: Option<&ChannelRules>) -> ClientInfo {
        ClientInfo {
            user: (*self.user).to_owned(),
            client: (*self.id).to_owned(),
            conn_info: self.conn_info.clone(),
            chan_info: rules.and_then(|rules| rules.chan_info.clone()),
        }
    }
}

/// What a refreshed connection has from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// When it has to be refreshed again; none: never.
    pub expires_at: Option<Timestamp>,
    /// What others see of it; none: as before.
    pub conn_info: Option<Bytes>,
}

/// Why a client may not connect, or not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The token is none of ours: disconnect 3500, the client stays away.
    InvalidToken,
    /// The token has run out: error 109, the client fetches a new one.
    TokenExpired,
    /// It cannot be found out now: error 100, the client tries again. The cause was logged where it arose.
    Unavailable,
    /// Anything else the client is told in a reply.
    Error(ClientError),
    /// Anything else the connection ends with.
    Disconnect(Disconnect),
}
