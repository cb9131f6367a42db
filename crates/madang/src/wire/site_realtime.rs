//! A site's realtime side: its own channels and sessions first, the configured channels and tokens besides.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::{
    namespaces::{Namespaces, TokenConnector},
    needs::{
        ChannelRules, Channels, Client, ClientError, ConnectRequest, Connected, Connector, Proof, Refreshed, Refused,
        SubscribeRequest, SubscriptionRefreshed,
    },
    tokens::SubscriptionOptions,
};
use kernel::Caller;

use super::{RealtimeChannels, RealtimeConnector};

/// What the channels of the site itself begin with; no configured namespace may be called so.
pub(crate) const SITE_NAMESPACES: [&str; 5] = ["chat", "live", "data", "user", "presence"];

/// Sessions of the site, and bearers of tokens where the settings have keys.
pub(crate) struct SiteConnector {
    pub(crate) sessions: RealtimeConnector,
    pub(crate) tokens: TokenConnector,
}

#[async_trait]
impl Connector for SiteConnector {
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused> {
        // A session's token has no dots; a signed one has two.
        let is_signed = request.proof.token.as_deref().is_some_and(|token| token.matches('.').count() == 2);
        if is_signed && self.tokens.knows_tokens() {
            return self.tokens.connect(request).await;
        }
        self.sessions.connect(request).await
    }

    async fn still(&self, proof: &Proof, address: IpAddr) -> Result<Caller, Refused> {
        self.sessions.still(proof, address).await
    }

    async fn refresh(&self, client: &Client, token: &str) -> Result<Refreshed, Refused> {
        self.tokens.refresh(client, token).await
    }
}

/// The channels of the site, and those of its configured namespaces.
pub(crate) struct SiteChannels {
    pub(crate) own: RealtimeChannels,
    pub(crate) configured: Arc<Namespaces>,
}

impl SiteChannels {
    fn of(&self, channel: &str) -> &dyn Channels {
        let namespace = channel.split_once(':').map_or("", |(namespace, _)| namespace);
        if SITE_NAMESPACES.contains(&namespace) { &self.own } else { &*self.configured }
    }
}

#[async_trait]
impl Channels for SiteChannels {
    async fn open(&self, client: &Client, request: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        self.of(&request.channel).open(client, request).await
    }

    async fn look(&self, client: &Client, channel: &str) -> Result<ChannelRules, ClientError> {
        self.of(channel).look(client, channel).await
    }

    fn given(&self, channel: &str, user: &str, options: SubscriptionOptions) -> Option<ChannelRules> {
        self.of(channel).given(channel, user, options)
    }

    async fn refresh(&self, client: &Client, channel: &str, token: &str) -> Result<SubscriptionRefreshed, ClientError> {
        self.of(channel).refresh(client, channel, token).await
    }

    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        data: Bytes,
    ) -> Result<(), ClientError> {
        self.of(channel).publish(client, channel, rules, data).await
    }

    async fn publish_group(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        group: Vec<Bytes>,
    ) -> Vec<Result<(), ClientError>> {
        self.of(channel).publish_group(client, channel, rules, group).await
    }

    async fn rpc(&self, client: &Client, method: &str, data: Bytes) -> Result<Bytes, ClientError> {
        self.own.rpc(client, method, data).await
    }

    async fn send(&self, client: &Client, data: Bytes) {
        self.own.send(client, data).await;
    }
}
