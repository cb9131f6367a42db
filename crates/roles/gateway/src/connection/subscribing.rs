//! The beginning of a subscription, whoever asked for it.

use std::{sync::Arc, time::Duration};

use ports::room_log::RoomLogError;

use super::{
    commands::{Done, Session},
    expiry::{Expiry, RunOut},
    recovery,
    subscriptions::{Origin, Subscription},
};
use crate::{
    hub::{Difference, Seat},
    needs::{ChannelRules, ClientError, ServerSubscription, SubscribeRequest},
    protocol::{Message, Push, Reply, Since, Subscribe, SubscribeResult, codes},
};

/// What a subscriber asks for besides the channel.
#[derive(Default)]
struct Wishes {
    recover: Option<Since>,
    reject_unrecovered: bool,
    positioned: bool,
    recoverable: bool,
    join_leave: bool,
    fossil_delta: bool,
}

impl Session {
    /// Carries out a subscribe command.
    pub(super) async fn subscribe(self, id: u32, request: Subscribe) -> Done {
        match self.try_subscribe(request).await {
            Ok((subscription, result)) => {
                let reply = self.encode(&Message::Reply(id, Reply::Subscribe(result)));
                Done::Subscribed { subscription: Box::new(subscription), message: reply }
            }
            Err(error) => Done::Replies(vec![self.failed(id, error)]),
        }
    }

    /// Carries out the server's wish; a channel that fails is told to nobody but the log.
    pub(super) async fn subscribe_for_server(self, wish: ServerSubscription, since: Option<Since>) -> Done {
        let channel: Arc<str> = wish.channel.as_str().into();
        match self.begin_for_server(wish, since).await {
            Ok((subscription, result)) => {
                let push = self.encode(&Message::Push(channel, Push::Subscribe(result)));
                Done::Subscribed { subscription: Box::new(subscription), message: push }
            }
            Err(error) => {
                tracing::warn!(%channel, code = error.code, message = %error.message, "the server could not subscribe a client");
                Done::Replies(Vec::new())
            }
        }
    }

    /// Begins a subscription the server made. `since` is where the client says it was.
    pub(super) async fn begin_for_server(
        &self,
        wish: ServerSubscription,
        since: Option<Since>,
    ) -> Result<(Subscription, SubscribeResult), ClientError> {
        let ServerSubscription { channel, mut rules, since: given } = wish;
        let greeting = rules.data.take();
        // Of what is given to those who ask, it gets nothing but the way back.
        let wishes = Wishes { recover: given.or(since), ..Wishes::default() };
        let rules = self.shared.hub.share(&channel, rules);
        let seat = self.enter(&channel, &rules).await?;
        let (subscription, mut result) = self.begin(seat, rules, wishes, Origin::Server, None).await?;
        result.data = greeting;
        Ok((subscription, result))
    }

    async fn try_subscribe(&self, request: Subscribe) -> Result<(Subscription, SubscribeResult), ClientError> {
        let Subscribe { channel, token, data, recover, reject_unrecovered, .. } = request;
        let Subscribe { positioned, recoverable, join_leave, fossil_delta, .. } = request;
        let wishes = Wishes { recover, reject_unrecovered, positioned, recoverable, join_leave, fossil_delta };
        // What is published from here on is newer than the state `open` tells of.
        let known = self.shared.hub.next_of(&channel);
        let ask = SubscribeRequest { channel, token, data };
        let mut rules = self.shared.channels.open(&self.client, &ask).await?;
        let mut greeting = rules.data.take();
        let rules = self.shared.hub.share(&ask.channel, rules);
        let seat = self.enter(&ask.channel, &rules).await?;
        if known.is_none() && greeting.is_some() && rules.room.is_none() {
            // Nobody listened when the state was asked for: what was published since then is lost, so ask again.
            greeting = self.shared.channels.open(&self.client, &ask).await?.data;
        }
        let (subscription, mut result) = self.begin(seat, rules, wishes, Origin::Client, known).await?;
        result.data = greeting;
        Ok((subscription, result))
    }

    async fn enter(&self, channel: &str, rules: &Arc<ChannelRules>) -> Result<Seat, ClientError> {
        self.shared.hub.enter(channel, rules, &self.member).await.map_err(|error| {
            tracing::error!(channel, %error, "a channel could not be opened");
            codes::INTERNAL.into()
        })
    }

    /// Begins the subscription of a seat; on a channel that keeps nothing, with the publication `known` at the earliest.
    async fn begin(
        &self,
        seat: Seat,
        rules: Arc<ChannelRules>,
        wishes: Wishes,
        origin: Origin,
        known: Option<u64>,
    ) -> Result<(Subscription, SubscribeResult), ClientError> {
        let expiry = self.expiry(&rules)?;
        let delta = rules.delta && wishes.fossil_delta;
        let mut result = SubscribeResult { lifetime: expiry.lifetime, delta, ..SubscribeResult::default() };
        let (_, next, mut replaced) = seat.channel().position();
        let mut cursor = known.map_or(next, |known| known.min(next));
        let mut has_before = false;
        if let Some(log) = seat.channel().log() {
            cursor = next;
            let recoverable = rules.recovery.answers(wishes.recoverable || wishes.recover.is_some());
            if recoverable || rules.positioning.answers(wishes.positioned) {
                let recover = wishes.recover.as_ref().filter(|_| recoverable);
                let begun = recovery::begin(&self.shared.hub, &seat, log, recover, rules.recovery_window).await;
                let begun = begun.map_err(|error| unreadable(log.room(), &error))?;
                if wishes.reject_unrecovered && begun.place.was_recovering && !begun.place.recovered {
                    return Err(codes::UNRECOVERABLE_POSITION.into());
                }
                (cursor, replaced) = (begun.cursor, begun.replaced);
                has_before = begun.has_before;
                self.shared.counters.sent(0, begun.place.publications.len() as u64);
                result.place = Some(crate::protocol::Place { recoverable, ..begun.place });
            }
        }
        let difference = match (delta, has_before) {
            (false, _) => Difference::Never,
            (true, false) => Difference::FirstWhole,
            (true, true) => Difference::Always,
        };
        let moved = rules.join_leave.answers(wishes.join_leave).then(|| seat.channel().next_movement());
        let subscription = Subscription::new(seat, rules, origin, cursor, replaced)
            .with_difference(difference)
            .with_movements(moved)
            .over_at(expiry.over_at);
        Ok((subscription, result))
    }

    fn expiry(&self, rules: &ChannelRules) -> Result<Expiry, ClientError> {
        let grace = Duration::from_millis(self.shared.settings.refresh_grace_ms);
        let expiry = Expiry::new(rules.expires_at, self.shared.clock.now(), grace);
        expiry.map_err(|RunOut| codes::EXPIRED.into())
    }
}

pub(super) fn unreadable(room: &str, error: &RoomLogError) -> ClientError {
    tracing::error!(room, %error, "a room's log could not be read for a client");
    codes::INTERNAL.into()
}
