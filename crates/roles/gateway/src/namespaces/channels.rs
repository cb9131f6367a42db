//! What a client may do with a channel.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Clock;
use ports::about::About;

use super::{
    channel_name::ChannelName,
    options::Act,
    publishing::{Namespace, Publishing, ToPublish},
};
use crate::{
    fleet,
    needs::{ChannelRules, Channels, Client, ClientError, SubscribeRequest, SubscriptionRefreshed},
    protocol::codes,
    tokens::{SubscriptionClaims, SubscriptionOptions, TokenError, Verifier},
};

/// The channels of the configured namespaces.
pub struct Namespaces {
    publishing: Arc<Publishing>,
    verifier: Arc<Verifier>,
    insecure: bool,
    clock: Arc<dyn Clock>,
}

impl Namespaces {
    /// Channels that publish by `publishing`, and let bearers of the verifier's tokens in; `insecure` lets everybody do
    /// everything.
    pub fn new(publishing: Arc<Publishing>, verifier: Arc<Verifier>, insecure: bool, clock: Arc<dyn Clock>) -> Self {
        Self { publishing, verifier, insecure, clock }
    }

    fn find(&self, name: &ChannelName<'_>) -> Result<&Namespace, ClientError> {
        self.publishing.namespace(name).ok_or_else(|| codes::UNKNOWN_CHANNEL.into())
    }

    fn rules(
        &self,
        namespace: &Namespace,
        channel: &str,
        user: &str,
        subscribed: bool,
        own: SubscriptionOptions,
    ) -> ChannelRules {
        let may = |act| self.insecure || namespace.options.allow(act, user, subscribed);
        namespace.options.rules(namespace.room(channel), may(Act::Presence), may(Act::History), own)
    }

    /// What the subscription token gives its bearer, when it is for this client and channel.
    async fn claims(&self, client: &Client, channel: &str, token: &str) -> Result<SubscriptionClaims, ClientError> {
        let claims = self.verifier.subscription(token).await.map_err(|error| match error {
            TokenError::Expired => ClientError::from(codes::TOKEN_EXPIRED),
            TokenError::Invalid => codes::PERMISSION_DENIED.into(),
            TokenError::Unavailable => codes::INTERNAL.into(),
        })?;
        let for_client =
            if claims.client.is_empty() { *claims.user == *client.user } else { claims.client == *client.id };
        if !for_client || claims.channel != channel {
            let why = "permission denied: the token is for another user, connection or channel";
            return Err(ClientError::because(codes::PERMISSION_DENIED, why));
        }
        Ok(claims)
    }

    fn may_subscribe(&self, name: &ChannelName<'_>, namespace: &Namespace, user: &str) -> bool {
        let options = &namespace.options;
        if self.insecure {
            return true;
        }
        if name.private {
            return false;
        }
        if name.is_user_limited() && options.allow_user_limited_channels {
            return name.is_for(user);
        }
        options.allow_subscribe_for_client
            && !name.is_user_limited()
            && (!user.is_empty() || options.allow_subscribe_for_anonymous)
    }
}

#[async_trait]
impl Channels for Namespaces {
    async fn open(&self, client: &Client, request: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        let channel = request.channel.as_str();
        let name = ChannelName::parse(channel);
        let namespace = self.find(&name)?;
        if let Some(token) = request.token.as_deref().filter(|token| !token.is_empty()) {
            let claims = self.claims(client, channel, token).await?;
            let rules = self.rules(namespace, channel, &client.user, true, claims.options);
            let expires_at = claims.expires_at.filter(|_| !self.insecure);
            return Ok(ChannelRules { expires_at, ..rules });
        }
        if !self.may_subscribe(&name, namespace, &client.user) {
            return Err(codes::PERMISSION_DENIED.into());
        }
        Ok(self.rules(namespace, channel, &client.user, true, SubscriptionOptions::default()))
    }

    async fn look(&self, client: &Client, channel: &str) -> Result<ChannelRules, ClientError> {
        let namespace = self.find(&ChannelName::parse(channel))?;
        let options = &namespace.options;
        let rules = self.rules(namespace, channel, &client.user, false, SubscriptionOptions::default());
        if (options.presence || options.keeps_history()) && !rules.presence && !rules.history {
            return Err(codes::PERMISSION_DENIED.into());
        }
        Ok(rules)
    }

    fn given(&self, channel: &str, user: &str, options: SubscriptionOptions) -> Option<ChannelRules> {
        let is_name = (1..=kernel::limits::CHANNEL_BYTES).contains(&channel.len()) && !fleet::is_own(channel);
        let namespace = self.publishing.namespace(&ChannelName::parse(channel)).filter(|_| is_name)?;
        Some(self.rules(namespace, channel, user, true, options))
    }

    async fn refresh(&self, client: &Client, channel: &str, token: &str) -> Result<SubscriptionRefreshed, ClientError> {
        let claims = self.claims(client, channel, token).await?;
        if claims.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(codes::EXPIRED.into());
        }
        Ok(SubscriptionRefreshed { expires_at: claims.expires_at, chan_info: claims.options.info })
    }

    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        data: Bytes,
    ) -> Result<(), ClientError> {
        let answer = self.publish_group(client, channel, rules, vec![data]).await.pop();
        answer.unwrap_or_else(|| Err(codes::INTERNAL.into()))
    }

    async fn publish_group(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        group: Vec<Bytes>,
    ) -> Vec<Result<(), ClientError>> {
        let count = group.len();
        let all = |error: ClientError| vec![Err(error); count];
        let namespace = match self.find(&ChannelName::parse(channel)) {
            Ok(namespace) => namespace,
            Err(error) => return all(error),
        };
        if !self.insecure && !namespace.options.allow(Act::Publish, &client.user, rules.is_some()) {
            return all(codes::PERMISSION_DENIED.into());
        }
        let about = namespace
            .options
            .publisher_info
            .then(|| Arc::new(About { info: Some(Arc::new(client.info(rules))), tags: Vec::new() }));
        let group = group.into_iter().map(|data| ToPublish { data, about: about.clone(), ..ToPublish::default() });
        let Some(answers) = self.publishing.publish(channel, group.collect()).await else {
            return all(codes::UNKNOWN_CHANNEL.into());
        };
        answers.into_iter().map(|answer| answer.map(|_| ()).map_err(told)).collect()
    }

    async fn rpc(&self, _: &Client, _: &str, _: Bytes) -> Result<Bytes, ClientError> {
        Err(codes::NOT_AVAILABLE.into())
    }
}

pub(crate) fn told(error: sequencer::Error) -> ClientError {
    match error {
        sequencer::Error::Busy(why) => {
            ClientError::because(codes::TOO_MANY_REQUESTS, format!("too many requests: {why}"))
        }
        sequencer::Error::Refused(why) => ClientError::because(codes::LIMIT_EXCEEDED, format!("limit exceeded: {why}")),
        sequencer::Error::Unknown(why) => {
            tracing::error!(why, "a publication failed");
            codes::INTERNAL.into()
        }
    }
}
