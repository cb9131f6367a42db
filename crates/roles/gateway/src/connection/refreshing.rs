//! Expiry of the connection and its subscriptions, and what prolongs them.

use std::{sync::Arc, time::Duration};

use kernel::Timestamp;
use tokio::time::Instant;

use super::{
    Connection, Phase,
    expiry::{Expiry, RunOut, earlier},
    subscriptions::Origin,
};
use crate::{
    needs::{ChannelRules, Client, ClientError, Refreshed, Refused, SubscriptionRefreshed},
    protocol::{
        Lifetime, Message, Push, Reply,
        codes::{self, Disconnect},
    },
};

impl Connection {
    /// Takes notice that something is over then.
    pub(super) fn expires(&mut self, over_at: Option<Instant>) {
        self.first_over_at = earlier(self.first_over_at, over_at);
    }

    /// Ends what is over.
    pub(super) fn end_what_is_over(&mut self) -> Result<(), Disconnect> {
        let now = Instant::now();
        if self.first_over_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        let connection = match &self.phase {
            Phase::Open(identified) => identified.over_at,
            Phase::New | Phase::Refused => None,
        };
        if connection.is_some_and(|at| at <= now) {
            return Err(codes::CONNECTION_EXPIRED);
        }
        while let Some((channel, origin)) = self.subscriptions.over(now) {
            if origin == Origin::Server {
                return Err(codes::SUBSCRIPTION_EXPIRED);
            }
            self.subscriptions.remove(&channel);
            self.outbox.push(&Message::Push(channel, Push::Unsubscribe(codes::UNSUBSCRIBE_EXPIRED)));
        }
        self.first_over_at = earlier(connection, self.subscriptions.first_over_at());
        Ok(())
    }

    /// Takes the end of a refresh command.
    pub(super) fn refreshed(&mut self, id: u32, outcome: Result<Refreshed, Refused>) -> Result<(), Disconnect> {
        let refreshed = match outcome {
            Ok(refreshed) => self.take_refresh(refreshed),
            Err(Refused::InvalidToken) => return Err(codes::INVALID_TOKEN),
            Err(Refused::Disconnect(why)) => return Err(why),
            Err(Refused::TokenExpired) => Err(codes::TOKEN_EXPIRED.into()),
            Err(Refused::Unavailable) => Err(codes::INTERNAL.into()),
            Err(Refused::Error(error)) => Err(error),
        };
        match refreshed {
            Ok(lifetime) => {
                let client = self.member.id().clone();
                self.outbox.push(&Message::Reply(id, Reply::Refresh { client, lifetime }));
            }
            Err(error) => self.fail(id, error),
        }
        Ok(())
    }

    /// Takes a refresh the server decided on.
    pub(super) fn refreshed_by_server(&mut self, refreshed: Refreshed) -> Result<(), Disconnect> {
        let lifetime = self.take_refresh(refreshed).map_err(|_| codes::CONNECTION_EXPIRED)?;
        self.outbox.push(&Message::Push("".into(), Push::Refresh(lifetime)));
        Ok(())
    }

    fn take_refresh(&mut self, refreshed: Refreshed) -> Result<Lifetime, ClientError> {
        let expiry = self.expiry(refreshed.expires_at)?;
        let Phase::Open(identified) = &mut self.phase else { return Err(codes::NOT_AVAILABLE.into()) };
        identified.over_at = expiry.over_at;
        if refreshed.conn_info.is_some() {
            let client = Client { conn_info: refreshed.conn_info, ..Client::clone(&identified.client) };
            identified.client = Arc::new(client);
            self.member.identify(identified.client.clone());
        }
        self.expires(expiry.over_at);
        Ok(expiry.lifetime)
    }

    /// Takes the end of a command that refreshes a subscription.
    pub(super) fn subscription_refreshed(
        &mut self,
        id: u32,
        channel: &str,
        outcome: Result<SubscriptionRefreshed, ClientError>,
    ) {
        match outcome.and_then(|refreshed| self.take_subscription_refresh(channel, refreshed)) {
            Ok(lifetime) => self.outbox.push(&Message::Reply(id, Reply::SubRefresh(lifetime))),
            Err(error) => self.fail(id, error),
        }
    }

    fn take_subscription_refresh(
        &mut self,
        channel: &str,
        refreshed: SubscriptionRefreshed,
    ) -> Result<Lifetime, ClientError> {
        let expiry = self.expiry(refreshed.expires_at)?;
        let subscription = self.subscriptions.find_mut(channel).ok_or(codes::PERMISSION_DENIED)?;
        subscription.over_at = expiry.over_at;
        if refreshed.chan_info.is_some() {
            let rules = ChannelRules { chan_info: refreshed.chan_info, ..ChannelRules::clone(&subscription.rules) };
            subscription.rules = Arc::new(rules);
            subscription.seat.update(subscription.rules.clone());
        }
        self.expires(expiry.over_at);
        Ok(expiry.lifetime)
    }

    fn expiry(&self, expires_at: Option<Timestamp>) -> Result<Expiry, ClientError> {
        let grace = Duration::from_millis(self.shared.settings.refresh_grace_ms);
        Expiry::new(expires_at, self.shared.clock.now(), grace).map_err(|RunOut| codes::EXPIRED.into())
    }
}
