//! What one gateway answers, and what all of them do.

use std::{borrow::Cow, collections::HashSet};

use kernel::{Timestamp, random::mix};
use ports::about::ClientInfo;

use super::{
    Answer, Node, Profile, Question, Unanswered,
    word::{Given, Users},
};
use crate::{
    ChannelSummary, Gateway, PresenceStats, Target,
    gateway::Shared,
    needs::{ChannelRules, Refreshed, ServerSubscription},
    protocol::codes::{Disconnect, Unsubscribe},
};

/// Users one gateway names to another; of more it tells the number.
const USERS_MAX: usize = 4_096;

impl Gateway {
    /// How this gateway presents itself.
    pub(super) fn profile(&self, draining: bool) -> Profile {
        Profile {
            id: self.shared().id(),
            url: self.shared().settings.url.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            connections: self.connections() as u64,
            connections_max: self.shared().settings.connections_max as u64,
            draining,
        }
    }

    /// Carries an order out on the connections of this process, or reads what it knows.
    pub(super) fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Subscribe { target, given } => Answer::Told(self.give(&target, given)),
            Question::Unsubscribe { target, channel, code, reason } => {
                let why = Unsubscribe { code, reason: Cow::Owned(reason) };
                Answer::Told(self.unsubscribe(&target, &channel, &why))
            }
            Question::Disconnect { target, code, reason } => {
                Answer::Told(self.disconnect(&target, &Disconnect { code, reason: Cow::Owned(reason) }))
            }
            Question::Refresh { target, expires_at_ms, conn_info } => {
                let expires_at = expires_at_ms.map(Timestamp::from_millis);
                Answer::Told(self.refresh(&target, &Refreshed { expires_at, conn_info }))
            }
            Question::Send { target, data } => Answer::Told(self.send(&target, &data.unwrap_or_default())),
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
            Question::Emulate { session, data } => {
                Answer::Emulated(self.shared().sessions.take(&session, data.unwrap_or_default()))
            }
        }
    }

    /// Has all gateways carry an order out. How many connections were told.
    pub(crate) async fn order_all(&self, order: Question) -> Result<usize, Unanswered> {
        let others = self.shared().fleet.ask_all(&order).await;
        let told = |answer: &Answer| if let Answer::Told(count) = answer { *count } else { 0 };
        // Also when somebody has not answered: what can be done is done.
        let here = told(&self.answer(order));
        Ok(here + others?.iter().map(told).sum::<usize>())
    }

    /// Channels somebody is subscribed to anywhere, whose names fit the pattern.
    pub(crate) async fn channels_of_all(&self, pattern: Option<&str>) -> Result<Vec<ChannelSummary>, Unanswered> {
        let question = Question::Channels { pattern: pattern.map(str::to_owned) };
        let mut all = self.channels(pattern);
        for answer in self.shared().fleet.ask_those_who_answer(&question).await? {
            let Answer::Channels(channels) = answer else { continue };
            all.extend(channels);
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup_by(|later, first| {
            let is_same = later.name == first.name;
            if is_same {
                first.clients += later.clients;
            }
            is_same
        });
        Ok(all)
    }

    /// Every gateway in figures.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Unanswered> {
        let mut all = vec![self.node()];
        for answer in self.shared().fleet.ask_those_who_answer(&Question::Info).await? {
            let Answer::Info(node) = answer else { continue };
            all.push(node);
        }
        Ok(all)
    }

    fn node(&self) -> Node {
        let Profile { id, url, version, .. } = self.shared().fleet.profile(self);
        Node { id, url, version, uptime_s: self.shared().began.elapsed().as_secs(), info: self.info() }
    }

    fn give(&self, target: &Target, Given { channel, user, options, expires_at_ms, since }: Given) -> usize {
        let Some(rules) = self.shared().channels.given(&channel, &user, options) else { return 0 };
        let rules = ChannelRules { expires_at: expires_at_ms.map(Timestamp::from_millis), ..rules };
        self.subscribe(target, &ServerSubscription { since, ..ServerSubscription::new(channel, rules) })
    }
}

impl Shared {
    /// Who is subscribed to a channel anywhere, unless there are more than `limit`.
    pub(crate) async fn presence(&self, channel: &str, limit: usize) -> Result<Option<Vec<ClientInfo>>, Unanswered> {
        let Some(mut all) = self.hub.find(channel).map_or(Some(Vec::new()), |channel| channel.members(limit)) else {
            return Ok(None);
        };
        let question = Question::Presence { channel: channel.to_owned(), limit };
        for answer in self.fleet.ask_those_who_answer(&question).await? {
            let Answer::Presence(clients) = answer else { continue };
            let Some(clients) = clients.filter(|clients| all.len() + clients.len() <= limit) else { return Ok(None) };
            all.extend(clients.into_iter().map(ClientInfo::from));
        }
        Ok(Some(all))
    }

    /// How many are subscribed to a channel anywhere. Users of a gateway with very many of them may be counted on another one
    /// again.
    pub(crate) async fn presence_stats(&self, channel: &str) -> Result<PresenceStats, Unanswered> {
        let question = Question::PresenceStats { channel: channel.to_owned() };
        let others = self.fleet.ask_those_who_answer(&question).await?;
        if others.is_empty() {
            let (clients, users) = self.hub.find(channel).map_or((0, 0), |channel| channel.count());
            return Ok(PresenceStats { clients, users });
        }
        let (mut clients, mut named, mut unnamed) = (0, HashSet::new(), 0);
        let others = others.into_iter().filter_map(|answer| match answer {
            Answer::PresenceStats { clients, users } => Some((clients, users)),
            _ => None,
        });
        for (count, users) in others.chain([self.users(channel)]) {
            clients += count;
            match users {
                Users::Each(users) => named.extend(users),
                Users::Count(count) => unnamed += count,
            }
        }
        Ok(PresenceStats { clients, users: named.len() as u64 + unnamed })
    }

    fn users(&self, channel: &str) -> (u64, Users) {
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
