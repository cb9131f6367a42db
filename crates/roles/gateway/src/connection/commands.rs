//! What commands do that takes time: each is a future of its own, which ends in replies or in a change of the session.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use kernel::{Caller, Timestamp};

use super::{connecting::LetIn, history, subscribing::unreadable, subscriptions::Subscription};
use crate::{
    PresenceStats,
    fleet::Unanswered,
    gateway::Shared,
    hub::Member,
    needs::{ChannelRules, Client, ClientError, Proof, Refreshed, Refused, SubscriptionRefreshed},
    protocol::{Command, Encoding, History, Message, Reply, codes, encode},
    settings::PRESENCE_CLIENTS_MAX,
};

/// A command under way.
pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How a command ended.
pub(super) enum Done {
    /// A connect command.
    Connected { id: u32, outcome: Result<Box<LetIn>, Refused>, proof: Arc<Proof>, asked_at: Timestamp },
    /// A look whether the client is still who it was, and the command that waited for it.
    IdentifiedAgain { outcome: Result<Box<Caller>, Refused>, asked_at: Timestamp, then: Option<Box<Command>> },
    /// A subscription that begins, and how the client is told.
    Subscribed { subscription: Box<Subscription>, message: Vec<u8> },
    /// A refresh of the connection.
    Refreshed { id: u32, outcome: Result<Refreshed, Refused> },
    /// A refresh of a subscription.
    SubscriptionRefreshed { id: u32, channel: String, outcome: Result<SubscriptionRefreshed, ClientError> },
    /// Anything else.
    Replies(Vec<Vec<u8>>),
}

/// Where commands of one session run.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) member: Arc<Member>,
    pub(super) client: Arc<Client>,
    pub(super) encoding: Encoding,
}

impl Session {
    pub(super) fn encode(&self, message: &Message) -> Vec<u8> {
        encode(self.encoding, message)
    }

    pub(super) fn failed(&self, id: u32, error: ClientError) -> Vec<u8> {
        self.encode(&Message::Reply(id, Reply::Error(error)))
    }

    fn one(&self, id: u32, outcome: Result<Reply, ClientError>) -> Done {
        let reply = outcome.unwrap_or_else(Reply::Error);
        Done::Replies(vec![self.encode(&Message::Reply(id, reply))])
    }

    /// Publishes several publications of one channel, in order.
    pub(super) async fn publish(
        self,
        channel: String,
        rules: Option<Arc<ChannelRules>>,
        ids: Vec<u32>,
        group: Vec<Bytes>,
    ) -> Done {
        let answers = self.shared.channels.publish_group(&self.client, &channel, rules.as_deref(), group).await;
        let missing = std::iter::repeat_with(|| Err(codes::INTERNAL.into()));
        let replies = ids.iter().zip(answers.into_iter().chain(missing)).map(|(id, answer)| match answer {
            Ok(()) => self.encode(&Message::Reply(*id, Reply::Publish)),
            Err(error) => self.failed(*id, error),
        });
        Done::Replies(replies.collect())
    }

    pub(super) async fn send(self, data: Bytes) -> Done {
        self.shared.channels.send(&self.client, data).await;
        Done::Replies(Vec::new())
    }

    pub(super) async fn rpc(self, id: u32, method: String, data: Bytes) -> Done {
        let outcome = self.shared.channels.rpc(&self.client, &method, data).await;
        self.one(id, outcome.map(Reply::Rpc))
    }

    pub(super) async fn refresh(self, id: u32, token: String) -> Done {
        Done::Refreshed { id, outcome: self.shared.connector.refresh(&self.client, &token).await }
    }

    pub(super) async fn refresh_subscription(self, id: u32, channel: String, token: String) -> Done {
        let outcome = self.shared.channels.refresh(&self.client, &channel, &token).await;
        Done::SubscriptionRefreshed { id, channel, outcome }
    }

    pub(super) async fn presence(self, id: u32, channel: String, rules: Option<Arc<ChannelRules>>) -> Done {
        let outcome = self.try_presence(&channel, rules).await;
        self.one(id, outcome)
    }

    async fn try_presence(&self, name: &str, rules: Option<Arc<ChannelRules>>) -> Result<Reply, ClientError> {
        self.rules(name, rules).await?.presence.then_some(()).ok_or(codes::NOT_AVAILABLE)?;
        let clients = self.shared.presence(name, PRESENCE_CLIENTS_MAX).await.map_err(unanswered)?;
        let too_many = || ClientError::limit("clients in a presence reply", PRESENCE_CLIENTS_MAX);
        clients.map(Reply::Presence).ok_or_else(too_many)
    }

    pub(super) async fn presence_stats(self, id: u32, channel: String, rules: Option<Arc<ChannelRules>>) -> Done {
        let outcome = self.try_presence_stats(&channel, rules).await;
        self.one(id, outcome)
    }

    async fn try_presence_stats(&self, name: &str, rules: Option<Arc<ChannelRules>>) -> Result<Reply, ClientError> {
        self.rules(name, rules).await?.presence.then_some(()).ok_or(codes::NOT_AVAILABLE)?;
        let PresenceStats { clients, users } = self.shared.presence_stats(name).await.map_err(unanswered)?;
        Ok(Reply::PresenceStats { clients, users })
    }

    pub(super) async fn history(self, id: u32, request: History, rules: Option<Arc<ChannelRules>>) -> Done {
        let outcome = self.try_history(&request, rules).await;
        self.one(id, outcome)
    }

    async fn try_history(&self, request: &History, rules: Option<Arc<ChannelRules>>) -> Result<Reply, ClientError> {
        let rules = self.rules(&request.channel, rules).await?;
        let room = rules.room.clone().filter(|_| rules.history).ok_or(codes::NOT_AVAILABLE)?;
        let log = self.shared.hub.log(room);
        let page = history::read(&log, request).await.map_err(|error| unreadable(log.room(), &error))?;
        page.map(Reply::History).ok_or(codes::UNRECOVERABLE_POSITION.into())
    }

    /// The rules the subscription has, or those for clients without one.
    async fn rules(&self, channel: &str, known: Option<Arc<ChannelRules>>) -> Result<Arc<ChannelRules>, ClientError> {
        match known {
            Some(rules) => Ok(rules),
            None => self.shared.channels.look(&self.client, channel).await.map(Arc::new),
        }
    }
}

/// Who is there cannot be told now; the cause is that of all such commands, and seen in the metrics.
fn unanswered(error: Unanswered) -> ClientError {
    tracing::debug!(%error, "who is in a channel cannot be told");
    codes::INTERNAL.into()
}
