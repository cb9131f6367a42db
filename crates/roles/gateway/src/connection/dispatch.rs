//! Which command does what, and what its end changes.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Timestamp;
use tokio::time::Instant;

use super::{
    Connection, Phase,
    commands::{Done, Session},
    identity::Identified,
    inbox::Waiting,
};
use crate::{
    gateway::mix,
    needs::{ChannelRules, Client, ClientError, ConnectRequest, Connected, Proof, Refused},
    protocol::{
        self, Command, ConnectResult, Request,
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
                (Phase::Open(identified), request) if acts(&request) && identified.is_outdated(now) => {
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

    fn connect(&mut self, id: u32, request: protocol::Connect) {
        let proof = Arc::new(Proof { token: request.token, cookie: self.peer.cookie.take() });
        let request = ConnectRequest {
            proof,
            address: self.peer.address,
            client: self.member.client().into(),
            data: request.data,
            name: request.name,
            version: request.version,
            headers: request.headers,
        };
        let shared = self.shared.clone();
        // Not when the answer came: the session may have ended in between.
        let asked_at = shared.clock.now();
        self.work = Some(Box::pin(async move {
            let outcome = shared.connector.connect(&request).await;
            Done::Connected { id, outcome: Box::new(outcome), proof: request.proof, asked_at }
        }));
    }

    pub(super) fn start(&mut self, client: Arc<Client>, id: u32, request: Request) -> Result<(), Disconnect> {
        let session = Session { shared: self.shared.clone(), member: self.member.clone(), client };
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
                self.outbox.push(protocol::done(id, "unsubscribe"));
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
            Request::Ping => self.outbox.push(protocol::done(id, "ping")),
            Request::Refresh | Request::SubRefresh => self.fail(id, codes::NOT_AVAILABLE),
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
                format!("bad request: a channel's name has at most {} bytes", kernel::limits::CHANNEL_BYTES),
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
            Done::Replies(replies) => replies.into_iter().for_each(|reply| self.outbox.push(reply)),
            Done::Subscribed { subscription, reply } => {
                self.outbox.push(reply);
                self.subscriptions.add(*subscription);
            }
            Done::Connected { id, outcome, proof, asked_at } => match *outcome {
                Ok(connected) => self.open(id, connected, proof, asked_at),
                Err(Refused::InvalidToken) => return Err(codes::INVALID_TOKEN),
                Err(Refused::TokenExpired) => self.refuse(id, codes::TOKEN_EXPIRED),
                Err(Refused::Unavailable) => self.refuse(id, codes::INTERNAL),
                Err(Refused::Error(error)) => self.refuse(id, error),
                Err(Refused::Disconnect(why)) => return Err(why),
            },
            Done::IdentifiedAgain { outcome, asked_at, then } => {
                return self.identified_again(*outcome, asked_at, then);
            }
        }
        Ok(())
    }

    fn open(&mut self, id: u32, connected: Connected, proof: Arc<Proof>, asked_at: Timestamp) {
        let Connected { caller, user, conn_info, data, can_end, .. } = connected;
        let client = Client { id: self.member.client().into(), caller, user, conn_info };
        self.member.identify(client.user.clone());
        self.heartbeat.connected(Instant::now(), mix(self.member.number()));
        let ping_s = if self.peer.native_pings { 0 } else { self.heartbeat.interval_s() };
        let time_ms = self.shared.clock.now().as_millis();
        let result = ConnectResult { client: self.member.client(), ping_s, time_ms, data };
        self.outbox.push(protocol::connected(id, &result));
        self.phase = Phase::Open(Identified::new(client, can_end.then_some(proof), asked_at));
    }

    fn refuse(&mut self, id: u32, why: impl Into<ClientError>) {
        self.phase = Phase::Refused;
        self.fail(id, why);
    }

    pub(super) fn fail(&mut self, id: u32, error: impl Into<ClientError>) {
        self.outbox.push(protocol::failed(id, &error.into()));
    }
}

/// Whether it is done in the client's name.
fn acts(request: &Request) -> bool {
    matches!(request, Request::Publish { .. } | Request::Rpc { .. } | Request::Send { .. })
}

fn is_channel(name: &str) -> bool {
    (1..=kernel::limits::CHANNEL_BYTES).contains(&name.len())
}
