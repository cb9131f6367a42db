//! The connect command: who the client is, and what it is given with the answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kernel::{Timestamp, random::mix};
use tokio::time::Instant;

use super::{
    Connection, Phase,
    commands::{Done, Session},
    expiry::{Expiry, RunOut},
    heartbeat::Heartbeat,
    identity::Identified,
    subscriptions::Subscription,
};
use crate::{
    needs::{Client, ClientError, ConnectRequest, Connected, Proof, Refused},
    protocol::{
        Connect, ConnectResult, Message, Reply, Since, SubscribeResult,
        codes::{self, Disconnect},
    },
    settings::SUBSCRIPTIONS_MAX,
};

/// A client that may connect, with the subscriptions the server made for it.
pub(super) struct LetIn {
    connected: Connected,
    client: Arc<Client>,
    expiry: Expiry,
    subscriptions: Vec<(Subscription, SubscribeResult)>,
}

impl Connection {
    pub(super) fn connect(&mut self, id: u32, request: Connect) {
        let proof = Arc::new(Proof { token: request.token, cookie: self.peer.cookie.take().map(String::from) });
        let positions = request.subs;
        let request = ConnectRequest {
            proof: proof.clone(),
            address: self.peer.address,
            client: self.member.id().clone(),
            data: request.data,
            name: request.name,
            version: request.version,
            headers: request.headers,
        };
        let (shared, member, encoding) = (self.shared.clone(), self.member.clone(), self.peer.encoding);
        // Not when the answer came: the session may have ended in between.
        let asked_at = shared.clock.now();
        self.work = Some(Box::pin(async move {
            let outcome = match shared.connector.connect(&request).await {
                Ok(connected) if shared.sends_away(&connected.caller) => Err(Refused::Disconnect(codes::SHUTDOWN)),
                Ok(connected) => {
                    let client = Arc::new(Client {
                        id: member.id().clone(),
                        caller: connected.caller.clone(),
                        user: named(&connected.user),
                        conn_info: connected.conn_info.clone(),
                        since: asked_at,
                    });
                    member.identify(client.clone());
                    Session { shared, member, client, encoding }.let_in(connected, positions).await.map(Box::new)
                }
                Err(why) => Err(why),
            };
            Done::Connected { id, outcome, proof, asked_at }
        }));
    }

    /// Takes the end of a connect command.
    pub(super) fn connected(
        &mut self,
        id: u32,
        outcome: Result<Box<LetIn>, Refused>,
        proof: Arc<Proof>,
        asked_at: Timestamp,
    ) -> Result<(), Disconnect> {
        let why = match outcome {
            Ok(let_in) => {
                self.open(id, *let_in, proof, asked_at);
                return Ok(());
            }
            Err(Refused::InvalidToken) => return Err(codes::INVALID_TOKEN),
            Err(Refused::Disconnect(why)) => return Err(why),
            Err(Refused::TokenExpired) => codes::TOKEN_EXPIRED.into(),
            Err(Refused::Unavailable) => codes::INTERNAL.into(),
            Err(Refused::Error(error)) => error,
        };
        self.phase = Phase::Refused;
        self.fail(id, why);
        Ok(())
    }

    fn open(&mut self, id: u32, let_in: LetIn, proof: Arc<Proof>, asked_at: Timestamp) {
        let LetIn { connected, client, expiry, subscriptions } = let_in;
        self.heartbeat.connected(&self.shared.settings, Instant::now(), mix(self.member.number()));
        let mut result = ConnectResult {
            client: client.id.clone(),
            lifetime: expiry.lifetime,
            data: connected.data,
            ping_s: if self.peer.native_pings { 0 } else { Heartbeat::interval_s(&self.shared.settings) },
            node: if self.peer.session.is_empty() { "".into() } else { self.shared.id().into() },
            session: self.peer.session.clone(),
            time_ms: self.shared.clock.now().as_millis(),
            ..ConnectResult::default()
        };
        let mut begun = Vec::new();
        for (subscription, subscribed) in subscriptions {
            result.subs.push((subscription.seat.channel().name().clone(), subscribed));
            begun.push(subscription);
        }
        self.outbox.push(&Message::Reply(id, Reply::Connect(Box::new(result))));
        let proof = connected.can_end.then_some(proof);
        self.phase = Phase::Open(Identified::new(client, proof, asked_at, expiry.over_at));
        self.expires(expiry.over_at);
        begun.into_iter().for_each(|subscription| self.begin(subscription));
        self.shared.registry.add(self.member.clone(), &self.peer.session);
    }
}

impl Session {
    /// Makes the subscriptions the server wants; `positions` is where the client says it was.
    async fn let_in(self, mut connected: Connected, mut positions: BTreeMap<String, Since>) -> Result<LetIn, Refused> {
        let grace = Duration::from_millis(self.shared.settings.refresh_grace_ms);
        let expiry = Expiry::new(connected.expires_at, self.shared.clock.now(), grace);
        let expiry = expiry.map_err(|RunOut| Refused::Error(codes::EXPIRED.into()))?;
        let mut wishes = std::mem::take(&mut connected.subscriptions);
        wishes.sort_by(|one, other| one.channel.cmp(&other.channel));
        wishes.dedup_by(|one, other| one.channel == other.channel);
        if wishes.len() > SUBSCRIPTIONS_MAX {
            return Err(Refused::Error(ClientError::limit("subscriptions of a connection", SUBSCRIPTIONS_MAX)));
        }
        let mut subscriptions = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let since = positions.remove(&wish.channel);
            subscriptions.push(self.begin_for_server(wish, since).await.map_err(Refused::Error)?);
        }
        Ok(LetIn { connected, client: self.client, expiry, subscriptions })
    }
}

/// Visitors without a name share one.
fn named(user: &str) -> Arc<str> {
    if user.is_empty() { Arc::default() } else { user.into() }
}
