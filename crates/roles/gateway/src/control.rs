//! What the server can do to the connections of this process, and what it can know of them.
//!
//! Orders are carried out by each connection in its turn: what is returned is how many were told, not how many obeyed. A
//! connection that has not answered its connect command yet is not there.

use std::sync::Arc;

use bytes::Bytes;
use ports::{about::ClientInfo, room_log::RoomLogError};
use serde::{Deserialize, Serialize};

use crate::{
    connection::history,
    gateway::Gateway,
    hub::{Member, Order},
    needs::{Refreshed, Room, ServerSubscription},
    protocol::{
        History, HistoryResult,
        codes::{Disconnect, Unsubscribe},
    },
};

/// Whose connections are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// All of a user, but those with these ids.
    User {
        /// Whom they stand for; empty: the anonymous ones.
        user: String,
        /// Clients that are left out.
        except: Vec<String>,
    },
    /// One client, when it stands for the user that is given.
    Client {
        /// Its id.
        id: String,
        /// Whom it must stand for; none: anybody.
        user: Option<String>,
    },
    /// The client of a session, as its connect reply names it (HTTP streams and server-sent events), when it is the one that
    /// is given.
    Session {
        /// Its name.
        session: String,
        /// Which client it must be; none: any.
        id: Option<String>,
        /// Whom it must stand for; none: anybody.
        user: Option<String>,
    },
}

/// Connections of one user that a gateway tells of at the most.
const CONNECTIONS_TOLD_MAX: usize = 1_000;

/// A connection of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientConnection {
    /// Its id.
    pub client: String,
    /// The gateway that has it, by its name for as long as it runs.
    pub gateway: String,
    /// Where clients find that gateway; may be empty.
    pub url: String,
    /// Since when.
    pub since_ms: i64,
    /// The session with which it signed in; none for who came with another token.
    pub session: Option<i64>,
}

/// How many are in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PresenceStats {
    /// Connections.
    pub clients: u64,
    /// Different users; anonymous visitors are one.
    pub users: u64,
}

/// A channel somebody here is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSummary {
    /// Its name.
    pub name: String,
    /// How many connections are subscribed.
    pub clients: u64,
}

/// One publication of a room's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPublication {
    /// Its place.
    pub offset: u64,
    /// Its data.
    pub data: Bytes,
    /// The client that published it, when that is known.
    pub info: Option<Arc<ClientInfo>>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// A page of a room's past, and where its log stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryPage {
    /// The publications.
    pub publications: Vec<PastPublication>,
    /// Names this history.
    pub epoch: String,
    /// The newest publication there is.
    pub offset: u64,
}

/// This process in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Info {
    /// Connected clients.
    pub clients: u64,
    /// Different users among them; anonymous visitors are one.
    pub users: u64,
    /// Channels somebody is subscribed to.
    pub channels: u64,
    /// Their subscriptions.
    pub subscriptions: u64,
}

impl Gateway {
    /// Subscribes connections to a channel, as if they had asked for it. Those that are subscribed stay so; those that
    /// have as many subscriptions as there may be end with [`codes::CHANNEL_LIMIT`](crate::protocol::codes::CHANNEL_LIMIT).
    pub fn subscribe(&self, target: &Target, subscription: &ServerSubscription) -> usize {
        self.order(target, || Order::Subscribe(Box::new(subscription.clone())))
    }

    /// Ends subscriptions to a channel.
    pub fn unsubscribe(&self, target: &Target, channel: &str, why: &Unsubscribe) -> usize {
        let channel: Arc<str> = channel.into();
        self.order(target, || Order::Unsubscribe(channel.clone(), why.clone()))
    }

    /// Ends connections.
    pub fn disconnect(&self, target: &Target, why: &Disconnect) -> usize {
        self.order(target, || Order::Disconnect(why.clone()))
    }

    /// Gives connections another expiry.
    pub fn refresh(&self, target: &Target, refreshed: &Refreshed) -> usize {
        self.order(target, || Order::Refresh(refreshed.clone()))
    }

    /// Has clients prove again who they are, as before they act and with each ping: who cannot any more ends.
    pub fn prove_again(&self, target: &Target) -> usize {
        self.order(target, || Order::ProveAgain)
    }

    /// The connections of a user here.
    pub fn connections_of(&self, user: &str) -> Vec<ClientConnection> {
        let shared = self.shared();
        let told = |member: Arc<Member>| {
            let client = member.client()?;
            Some(ClientConnection {
                client: client.id.to_string(),
                gateway: shared.id(),
                url: shared.settings.url.clone(),
                since_ms: client.since.as_millis(),
                session: client.caller.identity.as_ref().map(|identity| identity.session.raw()),
            })
        };
        self.registry().user(user).into_iter().filter_map(told).take(CONNECTIONS_TOLD_MAX).collect()
    }

    /// Hands clients a value that belongs to no channel.
    pub fn send(&self, target: &Target, data: &Bytes) -> usize {
        self.order(target, || Order::Send(data.clone()))
    }

    /// Hands it to all clients here.
    pub fn send_to_all(&self, data: &Bytes) -> usize {
        self.registry().all().iter().filter(|member| member.order(Order::Send(data.clone()))).count()
    }

    /// Who is subscribed to a channel here, unless there are more than `limit`.
    pub fn presence(&self, channel: &str, limit: usize) -> Option<Vec<ClientInfo>> {
        self.hub().find(channel).map_or(Some(Vec::new()), |channel| channel.members(limit))
    }

    /// How many are subscribed to a channel here.
    pub fn presence_stats(&self, channel: &str) -> PresenceStats {
        let (clients, users) = self.hub().find(channel).map_or((0, 0), |channel| channel.count());
        PresenceStats { clients, users }
    }

    /// Channels somebody here is subscribed to, whose names fit the pattern (`*` stands for any characters; none: all).
    pub fn channels(&self, pattern: Option<&str>) -> Vec<ChannelSummary> {
        let fits = |name: &str| pattern.is_none_or(|pattern| matches(pattern.as_bytes(), name.as_bytes()));
        let channels = self.hub().all().into_iter().filter(|channel| fits(channel.name()));
        let summary =
            channels.map(|channel| ChannelSummary { name: channel.name().to_string(), clients: channel.count().0 });
        summary.filter(|summary| summary.clients > 0).collect()
    }

    /// A page of a room's past; none when the position belongs to another history. The request's channel does not matter.
    pub async fn history(&self, room: Room, request: &History) -> Result<Option<HistoryPage>, RoomLogError> {
        let page = history::read(&self.hub().log(room), request).await?;
        Ok(page.map(HistoryPage::from))
    }

    /// This process in figures.
    pub fn info(&self) -> Info {
        let (clients, users) = self.registry().count();
        let channels = self.channels(None);
        let subscriptions = channels.iter().map(|channel| channel.clients).sum();
        Info { clients, users, channels: channels.len() as u64, subscriptions }
    }

    fn order(&self, target: &Target, order: impl Fn() -> Order) -> usize {
        let members = self.members(target);
        members.iter().filter(|member| member.order(order())).count()
    }

    fn members(&self, target: &Target) -> Vec<Arc<Member>> {
        match target {
            Target::User { user, except } => {
                let left_out = |member: &Arc<Member>| except.iter().any(|id| **id == **member.id());
                self.registry().user(user).into_iter().filter(|member| !left_out(member)).collect()
            }
            Target::Client { id, user } => {
                let is_meant = |member: &Arc<Member>| stands_for(member, user.as_deref());
                self.registry().client(id).filter(is_meant).into_iter().collect()
            }
            Target::Session { session, id, user } => {
                let is_client = |member: &Arc<Member>| id.as_deref().is_none_or(|id| **member.id() == *id);
                let is_meant = |member: &Arc<Member>| is_client(member) && stands_for(member, user.as_deref());
                self.registry().session(session).filter(is_meant).into_iter().collect()
            }
        }
    }
}

impl From<HistoryResult> for HistoryPage {
    fn from(result: HistoryResult) -> Self {
        let publications = result.publications.iter().map(|published| {
            let about = published.about().cloned().unwrap_or_default();
            let offset = published.offset().unwrap_or_default();
            PastPublication { offset, data: published.data().clone(), info: about.info, tags: about.tags }
        });
        Self { publications: publications.collect(), epoch: result.epoch, offset: result.offset }
    }
}

/// Whether it stands for the user; none: for anybody.
fn stands_for(member: &Member, user: Option<&str>) -> bool {
    user.is_none_or(|user| member.user().is_some_and(|own| **own == *user))
}

/// Whether `name` fits `pattern`, in which `*` stands for any bytes.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where the last `*` stands, and how far the name was when it stood for nothing.
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(byte) if name.get(at) == Some(byte) => (at, in_pattern) = (at + 1, in_pattern + 1),
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (at, in_pattern) = (taken + 1, star_at + 1);
            }
        }
    }
    pattern.get(in_pattern..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        let fits = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in [("", ""), ("*", ""), ("*", "a:b"), ("a:*", "a:b"), ("*b*", "abc"), ("a*c*e", "abcde")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a", "ab"), ("a:*", "b:a:"), ("a*c", "abcd"), ("*aab", "aaa")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(!fits(&"*a".repeat(200), &"a".repeat(199)));
    }
}
