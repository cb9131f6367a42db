//! Which command does what, and what its end changes.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Connection, Phase,
    commands::{Done, Session},
    inbox::Waiting,
    subscriptions::{Origin, Subscription},
};
use crate::{
    fleet,
    needs::{ChannelRules, Client, ClientError},
    protocol::{
        Command, Message, Reply, Request,
        codes::{self, Disconnect},
    },
    settings::SUBSCRIPTIONS_MAX,
};

impl Connection {
    /// Starts commands until one takes time, or too much waits to be sent.
    pub(super) fn start_commands(&mut self) -> Result<(), Disconnect> {
        while self.work.is_none() {
            if std::mem::take(&mut self.identity_due) {
                self.identify_again(None);
                continue;
            }
            if let Phase::Open(_) = self.phase
                && let Some(order) = self.orders.pop_front()
            {
                self.carry_out(*order)?;
                self.bound()?;
                continue;
            }
            if self.outbox.bytes() >= self.shared.settings.buffered_bytes_max {
                return Ok(());
            }
            let Some(Waiting { command: Command { id, request }, too_many, .. }) = self.inbox.pop() else {
                return Ok(());
            };
            let now = self.shared.clock.now();
            match (&self.phase, request) {
                (Phase::New, Request::Connect(request)) if id > 0 => self.connect(id, request),
                (Phase::New | Phase::Refused, _) | (Phase::Open(_), Request::Connect(_)) => {
                    return Err(codes::BAD_FRAME);
                }
                (Phase::Open(_), Request::Send { .. }) if too_many => {}
                (Phase::Open(_), request) if id == 0 && !matches!(request, Request::Send { .. }) => {
                    return Err(codes::BAD_FRAME);
                }
                (Phase::Open(_), _) if too_many => self.fail(id, codes::TOO_MANY_REQUESTS),
                (Phase::Open(identified), request)
                    if acts(&request) && identified.is_outdated(now, self.shared.settings.identity_believed_ms) =>
                {
                    self.identify_again(Some(Box::new(Command { id, request })));
                }
                (Phase::Open(identified), request) => {
                    let client = identified.client.clone();
                    self.start(client, id, request)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn start(&mut self, client: Arc<Client>, id: u32, request: Request) -> Result<(), Disconnect> {
        let encoding = self.peer.encoding;
        let session = Session { shared: self.shared.clone(), member: self.member.clone(), client, encoding };
        match request {
            Request::Subscribe(request) => {
                if request.channel.is_empty() {
                    return Err(codes::BAD_FRAME);
                }
                match self.may_subscribe(&request.channel) {
                    Ok(()) => self.work = Some(Box::pin(session.subscribe(id, request))),
                    Err(error) => self.fail(id, error),
                }
            }
            Request::Unsubscribe { channel } => {
                self.subscriptions.remove(&channel);
                self.outbox.push(&Message::Reply(id, Reply::Unsubscribe));
            }
            Request::Publish { channel, data: Some(data) } if is_channel(&channel) => {
                let (ids, group) = self.inbox.publish_group(&channel, id, data);
                let rules = self.rules(&channel);
                self.work = Some(Box::pin(session.publish(channel, rules, ids, group)));
            }
            Request::Presence { channel } if is_channel(&channel) => {
                let rules = self.rules(&channel);
                self.work = Some(Box::pin(session.presence(id, channel, rules)));
            }
            Request::PresenceStats { channel } if is_channel(&channel) => {
                let rules = self.rules(&channel);
                self.work = Some(Box::pin(session.presence_stats(id, channel, rules)));
            }
            Request::History(request) if is_channel(&request.channel) => {
                let rules = self.rules(&request.channel);
                self.work = Some(Box::pin(session.history(id, request, rules)));
            }
            Request::Rpc { method, data } => {
                let data = data.unwrap_or(Bytes::from_static(b"null"));
                self.work = Some(Box::pin(session.rpc(id, method, data)));
            }
            Request::Send { data } => {
                let data = data.unwrap_or(Bytes::from_static(b"null"));
                self.work = Some(Box::pin(session.send(data)));
            }
            Request::Ping => self.outbox.push(&Message::Reply(id, Reply::Ping)),
            Request::Refresh { token } | Request::SubRefresh { token, .. } if token.is_empty() => {
                return Err(codes::BAD_FRAME);
            }
            Request::Refresh { token } => self.work = Some(Box::pin(session.refresh(id, token))),
            Request::SubRefresh { channel, token } => match self.subscriptions.find(&channel) {
                Some(subscription) if subscription.origin == Origin::Client => {
                    self.work = Some(Box::pin(session.refresh_subscription(id, channel, token)));
                }
                Some(_) => self.fail(id, codes::NOT_AVAILABLE),
                None => self.fail(id, codes::PERMISSION_DENIED),
            },
            Request::Unknown => self.fail(id, codes::METHOD_NOT_FOUND),
            Request::Publish { .. }
            | Request::Presence { .. }
            | Request::PresenceStats { .. }
            | Request::History(_) => self.fail(id, codes::BAD_REQUEST),
            Request::Connect(_) | Request::Pong => return Err(codes::BAD_FRAME),
        }
        Ok(())
    }

    fn may_subscribe(&self, channel: &str) -> Result<(), ClientError> {
        if !is_channel(channel) {
            return Err(ClientError::because(
                codes::BAD_REQUEST,
                format!(
                    "bad request: a channel's name has at most {} bytes, and no NUL at its beginning",
                    kernel::limits::CHANNEL_BYTES
                ),
            ));
        }
        if self.subscriptions.find(channel).is_some() {
            return Err(codes::ALREADY_SUBSCRIBED.into());
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(ClientError::limit("subscriptions of a connection", SUBSCRIPTIONS_MAX));
        }
        Ok(())
    }

    fn rules(&self, channel: &str) -> Option<Arc<ChannelRules>> {
        self.subscriptions.find(channel).map(|subscription| subscription.rules.clone())
    }

    /// Takes what a command ended with.
    pub(super) fn finish(&mut self, done: Done) -> Result<(), Disconnect> {
        match done {
            Done::Replies(replies) => replies.into_iter().for_each(|reply| self.outbox.push_encoded(reply)),
            Done::Subscribed { subscription, message } => {
                self.outbox.push_encoded(message);
                self.begin(*subscription);
            }
            Done::Connected { id, outcome, proof, asked_at } => return self.connected(id, outcome, proof, asked_at),
            Done::Refreshed { id, outcome } => return self.refreshed(id, outcome),
            Done::SubscriptionRefreshed { id, channel, outcome } => self.subscription_refreshed(id, &channel, outcome),
            Done::IdentifiedAgain { outcome, asked_at, then } => {
                return self.identified_again(outcome, asked_at, then);
            }
        }
        Ok(())
    }

    /// Adds a subscription whose client was told of it.
    pub(super) fn begin(&mut self, mut subscription: Subscription) {
        subscription.seat.announce(&subscription.rules);
        self.expires(subscription.over_at);
        self.subscriptions.add(subscription);
    }

    pub(super) fn fail(&mut self, id: u32, error: impl Into<ClientError>) {
        self.outbox.push(&Message::Reply(id, Reply::Error(error.into())));
    }
}

/// Whether it is done in the client's name.
fn acts(request: &Request) -> bool {
    matches!(request, Request::Publish { .. } | Request::Rpc { .. } | Request::Send { .. })
}

/// Those of the gateways themselves are none for clients.
fn is_channel(name: &str) -> bool {
    (1..=kernel::limits::CHANNEL_BYTES).contains(&name.len()) && !fleet::is_own(name)
}
