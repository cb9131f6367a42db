//! What this gateway answers.

use std::borrow::Cow;

use kernel::{Timestamp, random::mix};

use super::{
    Answer, Given, Node, Profile, Question,
    word::{Emulated, Users},
};
use crate::{
    Gateway, Target,
    gateway::Shared,
    needs::{ChannelRules, Refreshed, ServerSubscription},
    protocol::codes::{Disconnect, Unsubscribe},
};

/// Users one gateway names to another; of more it tells the number.
const USERS_MAX: usize = 4_096;

impl Gateway {
    /// How this gateway presents itself.
    pub(super) fn profile(&self, draining: bool) -> Profile {
        let settings = &self.shared().settings;
        Profile {
            id: self.shared().id(),
            url: settings.url.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            connections: self.connections() as u64,
            connections_max: settings.connections_max as u64,
            draining,
            settings: settings.fingerprint,
        }
    }

    /// Carries an order out on the connections of this process, or reads what it knows.
    pub(super) fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Subscribe { target, given } => {
                self.give(&target, given);
                Answer::Given
            }
            Question::Unsubscribe { target, channel, code, reason } => {
                self.unsubscribe(&target, &channel, &Unsubscribe { code, reason: Cow::Owned(reason) });
                Answer::Given
            }
            Question::Disconnect { target, code, reason } => {
                self.disconnect(&target, &Disconnect { code, reason: Cow::Owned(reason) });
                Answer::Given
            }
            Question::Refresh { target, expires_at_ms, conn_info } => {
                let expires_at = expires_at_ms.map(Timestamp::from_millis);
                self.refresh(&target, &Refreshed { expires_at, conn_info });
                Answer::Given
            }
            Question::Presence { channel, limit } => {
                let clients = self.presence(&channel, limit);
                Answer::Presence(clients.map(|clients| clients.into_iter().map(Into::into).collect()))
            }
            Question::PresenceStats { channel } => {
                let (clients, users) = self.shared().users(&channel);
                Answer::PresenceStats { clients, users }
            }
            Question::Channels { pattern } => Answer::Channels(self.channels(pattern.as_deref())),
            Question::Info => Answer::Info(self.node()),
            Question::Connections { user } => Answer::Connections(self.connections_of(&user)),
            Question::Move { user, session } => self.send_away(&user, session),
            Question::Emulate { session, data } => Answer::Emulated(self.emulate(&session, data)),
        }
    }

    pub(super) fn node(&self) -> Node {
        let Profile { id, url, version, .. } = self.profile(false);
        Node { id, url, version, uptime_s: self.shared().began.elapsed().as_secs(), info: self.info() }
    }

    fn emulate(&self, session: &str, data: Option<bytes::Bytes>) -> Emulated {
        self.shared().sessions.take(session, data.unwrap_or_default())
    }

    fn give(&self, target: &Target, Given { channel, user, options, expires_at_ms, since }: Given) {
        let Some(rules) = self.shared().channels.given(&channel, &user, options) else { return };
        let rules = ChannelRules { expires_at: expires_at_ms.map(Timestamp::from_millis), ..rules };
        self.subscribe(target, &ServerSubscription { since, ..ServerSubscription::new(channel, rules) });
    }
}

impl Shared {
    /// How many connections here are subscribed to a channel, and which users.
    pub(super) fn users(&self, channel: &str) -> (u64, Users) {
        let Some(channel) = self.hub.find(channel) else { return (0, Users::Each(Vec::new())) };
        let (clients, count) = channel.count();
        let users = match channel.users(USERS_MAX) {
            Some(users) => Users::Each(users.iter().map(|user| hash(user)).collect()),
            None => Users::Count(count),
        };
        (clients, users)
    }
}

/// The same in all processes.
pub(super) fn hash(user: &str) -> u64 {
    user.bytes().fold(mix(user.len() as u64), |hash, byte| mix(hash ^ u64::from(byte)))
}
