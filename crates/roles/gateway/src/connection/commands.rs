//! What commands do that takes time: each is a future of its own, which ends in replies or in a change of the session.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use kernel::{Caller, Timestamp};
use ports::room_log::{Head, RoomLogError};

use super::{recovery, subscriptions::Subscription};
use crate::{
    gateway::Shared,
    hub::Member,
    needs::{ChannelRules, Client, ClientError, Connected, Proof, Refused, SubscribeRequest},
    protocol::{self, Command, History, HistoryResult, Push, SubscribeResult, codes},
    settings::{PAGE_BYTES_MAX, PAGE_PUBLICATIONS_MAX, PRESENCE_CLIENTS_MAX},
};

/// A command under way.
pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How a command ended.
pub(super) enum Done {
    /// A connect command.
    Connected { id: u32, outcome: Box<Result<Connected, Refused>>, proof: Arc<Proof>, asked_at: Timestamp },
    /// A look whether the client is still who it was, and the command that waited for it.
    IdentifiedAgain { outcome: Box<Result<Caller, Refused>>, asked_at: Timestamp, then: Option<Box<Command>> },
    /// A subscribe command that succeeded, with its reply.
    Subscribed { subscription: Box<Subscription>, reply: String },
    /// Anything else.
    Replies(Vec<String>),
}

impl Done {
    fn one(id: u32, outcome: Result<String, ClientError>) -> Self {
        Self::Replies(vec![outcome.unwrap_or_else(|error| protocol::failed(id, &error))])
    }
}

/// Where commands of one session run.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) member: Arc<Member>,
    pub(super) client: Arc<Client>,
}

impl Session {
    pub(super) async fn subscribe(self, id: u32, request: protocol::Subscribe) -> Done {
        match self.try_subscribe(id, request).await {
            Ok((subscription, reply)) => Done::Subscribed { subscription: Box::new(subscription), reply },
            Err(error) => Done::Replies(vec![protocol::failed(id, &error)]),
        }
    }

    async fn try_subscribe(
        &self,
        id: u32,
        request: protocol::Subscribe,
    ) -> Result<(Subscription, String), ClientError> {
        let hub = &self.shared.hub;
        let name = request.channel.as_str();
        // What is published from here on is newer than the state `open` tells of.
        let known = hub.next_of(name);
        let ask = SubscribeRequest { channel: name.to_owned(), token: request.token, data: request.data };
        let mut rules = self.shared.channels.open(&self.client, &ask).await?;
        let seat = hub.enter(name, rules.room.as_ref(), &self.member).await.map_err(|error| {
            tracing::error!(channel = name, %error, "a channel could not be opened");
            ClientError::from(codes::INTERNAL)
        })?;
        if let Some(log) = seat.channel().log().cloned() {
            let begun = recovery::begin(hub, &seat, &log, request.recover.as_ref()).await;
            let recovery::Beginning { cursor, replaced, place } =
                begun.map_err(|error| unreadable(log.room(), &error))?;
            if request.reject_unrecovered && place.was_recovering && !place.recovered {
                return Err(codes::UNRECOVERABLE_POSITION.into());
            }
            self.shared.counters.sent(0, place.publications.len() as u64);
            let reply = protocol::subscribed(id, &SubscribeResult { place: Some(place), data: rules.data.take() });
            return Ok((Subscription::new(seat, Arc::new(rules), cursor, replaced), reply));
        }
        let (_, next, replaced) = seat.channel().position();
        if known.is_none() && rules.data.is_some() {
            // Nobody listened when the state was asked for: what was published since then is lost, so ask again.
            rules = self.shared.channels.open(&self.client, &ask).await?;
        }
        let cursor = known.map_or(next, |known| known.min(next));
        let reply = protocol::subscribed(id, &SubscribeResult { place: None, data: rules.data.take() });
        Ok((Subscription::new(seat, Arc::new(rules), cursor, replaced), reply))
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
            Ok(()) => protocol::done(*id, "publish"),
            Err(error) => protocol::failed(*id, &error),
        });
        Done::Replies(replies.collect())
    }

    pub(super) async fn send(self, data: Bytes) -> Done {
        self.shared.channels.send(&self.client, data).await;
        Done::Replies(Vec::new())
    }

    pub(super) async fn rpc(self, id: u32, method: String, data: Bytes) -> Done {
        let outcome = self.shared.channels.rpc(&self.client, &method, data).await;
        Done::one(id, outcome.map(|data| protocol::data(id, &data)))
    }

    pub(super) async fn presence(self, id: u32, channel: String, rules: Option<Arc<ChannelRules>>) -> Done {
        Done::one(id, self.try_presence(id, &channel, rules).await)
    }

    async fn try_presence(&self, id: u32, name: &str, rules: Option<Arc<ChannelRules>>) -> Result<String, ClientError> {
        self.rules(name, rules).await?.presence.then_some(()).ok_or(codes::NOT_AVAILABLE)?;
        let members = match self.shared.hub.find(name) {
            Some(channel) => channel
                .members(PRESENCE_CLIENTS_MAX)
                .ok_or_else(|| ClientError::limit("clients in a presence reply", PRESENCE_CLIENTS_MAX))?,
            None => Vec::new(),
        };
        Ok(protocol::presence(id, members.iter().map(AsRef::as_ref)))
    }

    pub(super) async fn presence_stats(self, id: u32, channel: String, rules: Option<Arc<ChannelRules>>) -> Done {
        let outcome = match self.rules(&channel, rules).await {
            Ok(rules) if rules.presence => {
                let (clients, users) = self.shared.hub.find(&channel).map_or((0, 0), |channel| channel.count());
                Ok(protocol::presence_stats(id, clients, users))
            }
            Ok(_) => Err(codes::NOT_AVAILABLE.into()),
            Err(error) => Err(error),
        };
        Done::one(id, outcome)
    }

    pub(super) async fn history(self, id: u32, request: History, rules: Option<Arc<ChannelRules>>) -> Done {
        Done::one(id, self.try_history(id, &request, rules).await)
    }

    async fn try_history(
        &self,
        id: u32,
        request: &History,
        rules: Option<Arc<ChannelRules>>,
    ) -> Result<String, ClientError> {
        let rules = self.rules(&request.channel, rules).await?;
        let room = rules.room.clone().filter(|_| rules.history).ok_or(codes::NOT_AVAILABLE)?;
        let log = self.shared.hub.log(room);
        let head = log.head().await.map_err(|error| unreadable(log.room(), &error))?;
        if request.since.as_ref().is_some_and(|since| !since.epoch.is_empty() && since.epoch != head.epoch) {
            return Err(codes::UNRECOVERABLE_POSITION.into());
        }
        let (from, count) = range(request, &head);
        let mut publications = Vec::new();
        if count > 0 {
            let records = log.read(from, count).await.map_err(|error| unreadable(log.room(), &error))?;
            let records = records.iter().filter(|record| record.offset < from + count as u64);
            let push = |record: &ports::room_log::Record| {
                Push::positioned(&request.channel, &record.data, record.offset, &head.epoch)
            };
            publications =
                if request.reverse { records.rev().map(push).collect() } else { records.map(push).collect() };
        }
        let mut room_left = PAGE_BYTES_MAX;
        let fitting = publications.iter().take_while(|push| {
            let fits = room_left >= push.text().len();
            room_left = room_left.saturating_sub(push.text().len());
            fits
        });
        publications.truncate(fitting.count().max(1));
        Ok(protocol::history(id, &HistoryResult { publications, epoch: head.epoch, offset: head.next - 1 }))
    }

    /// The rules the subscription has, or those for clients without one.
    async fn rules(&self, channel: &str, known: Option<Arc<ChannelRules>>) -> Result<Arc<ChannelRules>, ClientError> {
        match known {
            Some(rules) => Ok(rules),
            None => self.shared.channels.look(&self.client, channel).await.map(Arc::new),
        }
    }
}

/// Which records answer the request: from where, and how many.
fn range(request: &History, head: &Head) -> (u64, usize) {
    let limit = match usize::try_from(request.limit) {
        Ok(limit) => limit.min(PAGE_PUBLICATIONS_MAX),
        Err(_) => PAGE_PUBLICATIONS_MAX,
    };
    let since = request.since.as_ref().map(|since| since.offset);
    // Half-open: from `from` to before `to`.
    let (from, to) = if request.reverse {
        let to = since.map_or(head.next, |offset| offset.clamp(1, head.next));
        (to.saturating_sub(limit as u64).max(1), to)
    } else {
        let from = since.map_or(1, |offset| offset.saturating_add(1)).min(head.next);
        (from, from.saturating_add(limit as u64).min(head.next))
    };
    (from, (to - from) as usize)
}

fn unreadable(room: &str, error: &RoomLogError) -> ClientError {
    tracing::error!(room, %error, "a room's log could not be read for a client");
    codes::INTERNAL.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Since;

    #[test]
    fn history_reads_forwards_and_backwards_within_the_log() {
        let head = Head { epoch: "e".into(), next: 11 };
        let ask = |limit, since: Option<u64>, reverse| {
            let since = since.map(|offset| Since { offset, epoch: String::new() });
            range(&History { channel: "c".into(), limit, since, reverse }, &head)
        };
        assert_eq!(ask(3, None, false), (1, 3));
        assert_eq!(ask(3, None, true), (8, 3));
        assert_eq!(ask(3, Some(4), false), (5, 3));
        assert_eq!(ask(3, Some(4), true), (1, 3));
        assert_eq!(ask(-1, Some(9), false), (10, 1));
        assert_eq!(ask(0, None, false).1, 0);
        assert_eq!(ask(5, Some(u64::MAX), false), (11, 0));
        assert_eq!(ask(5, Some(u64::MAX), true), (6, 5));
        assert_eq!(ask(5, Some(0), true).1, 0);
    }
}
