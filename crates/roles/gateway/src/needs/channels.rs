//! What channels mean.

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Timestamp;

use super::{ChannelRules, Client, ClientError};
use crate::{protocol::codes, tokens::SubscriptionOptions};

/// What channels mean. A command's future may be dropped when its client goes away.
#[async_trait]
pub trait Channels: Send + Sync + 'static {
    /// Whether the client may subscribe, and what the channel offers it as a subscriber.
    async fn open(&self, client: &Client, request: &SubscribeRequest) -> Result<ChannelRules, ClientError>;

    /// What the channel offers a client that is not subscribed: who is there, what was published. Unless said otherwise,
    /// the same as one that is.
    async fn look(&self, client: &Client, channel: &str) -> Result<ChannelRules, ClientError> {
        self.open(client, &SubscribeRequest { channel: channel.to_owned(), ..SubscribeRequest::default() }).await
    }

    /// What a subscription that the server makes for a user is given. None: there is no such channel.
    fn given(&self, channel: &str, user: &str, options: SubscriptionOptions) -> Option<ChannelRules> {
        let _ = (channel, user, options);
        None
    }

    /// Prolongs a subscription by a new token.
    async fn refresh(&self, client: &Client, channel: &str, token: &str) -> Result<SubscriptionRefreshed, ClientError> {
        let _ = (client, channel, token);
        Err(codes::NOT_AVAILABLE.into())
    }

    /// Publishes for the client; returns when it is durable. `rules` are those of the client's subscription; none when it
    /// is not subscribed.
    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        data: Bytes,
    ) -> Result<(), ClientError>;

    /// Publishes several of one client's publications in their order; one answer for each. Here because a client that
    /// does not wait for answers sends many: they can become durable together.
    async fn publish_group(
        &self,
        client: &Client,
        channel: &str,
        rules: Option<&ChannelRules>,
        group: Vec<Bytes>,
    ) -> Vec<Result<(), ClientError>> {
        let mut answers = Vec::with_capacity(group.len());
        for data in group {
            answers.push(self.publish(client, channel, rules, data).await);
        }
        answers
    }

    /// Calls a method; the answer is one JSON value.
    async fn rpc(&self, client: &Client, method: &str, data: Bytes) -> Result<Bytes, ClientError>;

    /// Takes a message that has no answer. Unless said otherwise, it means nothing.
    async fn send(&self, client: &Client, data: Bytes) {
        let _ = (client, data);
    }
}

/// What a client sent to subscribe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscribeRequest {
    /// To which channel.
    pub channel: String,
    /// The token that lets it in, on channels that want one.
    pub token: Option<String>,
    /// A value for the application.
    pub data: Option<Bytes>,
}

/// What a refreshed subscription has from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionRefreshed {
    /// When it has to be refreshed again; none: never.
    pub expires_at: Option<Timestamp>,
    /// What others see of the subscription; none: as before.
    pub chan_info: Option<Bytes>,
}
