//! What all gateways do, and know together.

use std::collections::HashSet;

use ports::about::ClientInfo;

use super::{Answer, Node, Question, Unanswered, Users};
use crate::{ChannelSummary, ClientConnection, Gateway, PresenceStats, gateway::Shared};

impl Gateway {
    /// Has all gateways carry an order out, this one first: what can be done is done.
    pub(crate) async fn order_all(&self, order: Question) -> Result<(), Unanswered> {
        self.answer(order.clone());
        self.shared().fleet.order(&order).await
    }

    /// Channels somebody is subscribed to anywhere, whose names fit the pattern; none: they are too many to be told.
    pub(crate) async fn channels_of_all(
        &self,
        pattern: Option<&str>,
    ) -> Result<Option<Vec<ChannelSummary>>, Unanswered> {
        let question = Question::Channels { pattern: pattern.map(str::to_owned) };
        let mut all = self.channels(pattern);
        for answer in self.shared().fleet.read(&question).await? {
            match answer {
                Answer::Channels(channels) => all.extend(channels),
                Answer::TooLarge => return Ok(None),
                _ => {}
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup_by(|later, first| {
            let is_same = later.name == first.name;
            if is_same {
                first.clients += later.clients;
            }
            is_same
        });
        Ok(Some(all))
    }

    /// The connections of a user on all gateways that answer, the oldest first.
    ///
    /// # Errors
    /// This gateway does not hear the others: what it knows is not all.
    pub async fn connections_everywhere(&self, user: &str) -> Result<Vec<ClientConnection>, String> {
        let question = Question::Connections { user: user.to_owned() };
        let others = self.shared().fleet.read(&question).await.map_err(|error| error.to_string())?;
        let others = others.into_iter().filter_map(|answer| match answer {
            Answer::Connections(connections) => Some(connections),
            _ => None,
        });
        let mut all: Vec<_> = self.connections_of(user).into_iter().chain(others.flatten()).collect();
        all.sort_by(|one, other| (one.since_ms, &one.client).cmp(&(other.since_ms, &other.client)));
        Ok(all)
    }

    /// Every gateway in figures.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Unanswered> {
        let others = self.shared().fleet.read(&Question::Info).await?;
        let others = others.into_iter().filter_map(|answer| match answer {
            Answer::Info(node) => Some(node),
            _ => None,
        });
        Ok([self.node()].into_iter().chain(others).collect())
    }
}

impl Shared {
    /// Who is subscribed to a channel anywhere; none: more than `limit`, or more than can be told.
    pub(crate) async fn presence(&self, channel: &str, limit: usize) -> Result<Option<Vec<ClientInfo>>, Unanswered> {
        let Some(mut all) = self.hub.find(channel).map_or(Some(Vec::new()), |channel| channel.members(limit)) else {
            return Ok(None);
        };
        let question = Question::Presence { channel: channel.to_owned(), limit };
        for answer in self.fleet.read_recent(&question).await?.iter() {
            match answer {
                Answer::Presence(Some(clients)) if all.len() + clients.len() <= limit => {
                    all.extend(clients.iter().cloned().map(ClientInfo::from));
                }
                Answer::Presence(_) | Answer::TooLarge => return Ok(None),
                _ => {}
            }
        }
        Ok(Some(all))
    }

    /// How many are subscribed to a channel anywhere. Users of a gateway with very many of them may be counted on another one
    /// again.
    pub(crate) async fn presence_stats(&self, channel: &str) -> Result<PresenceStats, Unanswered> {
        let question = Question::PresenceStats { channel: channel.to_owned() };
        let others = self.fleet.read_recent(&question).await?;
        if others.is_empty() {
            let (clients, users) = self.hub.find(channel).map_or((0, 0), |channel| channel.count());
            return Ok(PresenceStats { clients, users });
        }
        let (mut clients, here) = self.users(channel);
        let (mut named, mut unnamed) = (HashSet::new(), 0);
        let mut add = |users: &Users| match users {
            Users::Each(users) => named.extend(users.iter().copied()),
            Users::Count(count) => unnamed += count,
        };
        add(&here);
        for answer in others.iter() {
            if let Answer::PresenceStats { clients: more, users } = answer {
                clients += more;
                add(users);
            }
        }
        Ok(PresenceStats { clients, users: named.len() as u64 + unnamed })
    }
}
