//! What the server tells this connection to do.

use tokio::time::Instant;

use super::{Connection, Phase, commands::Session};
use crate::{
    hub::{ORDERS_MAX, Order},
    protocol::{
        Message, Push,
        codes::{self, Disconnect},
    },
    settings::SUBSCRIPTIONS_MAX,
};

impl Connection {
    /// Takes what was ordered. An end comes at once, the rest in its turn.
    pub(super) fn take_orders(&mut self) -> Result<(), Disconnect> {
        for order in self.member.take_orders() {
            match order {
                Order::Disconnect(why) => return Err(why),
                Order::Leave => self.drain(Instant::now()),
                _ if self.orders.len() == ORDERS_MAX => return Err(codes::SLOW),
                order => self.orders.push_back(Box::new(order)),
            }
        }
        Ok(())
    }

    /// Carries out an order; what takes time becomes the work under way.
    pub(super) fn carry_out(&mut self, order: Order) -> Result<(), Disconnect> {
        match order {
            Order::Subscribe(wish) => {
                let Phase::Open(identified) = &self.phase else { return Ok(()) };
                if self.subscriptions.find(&wish.channel).is_some() {
                    return Ok(());
                }
                if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
                    // The server counts on the subscription, and the client did not ask: neither would notice an error.
                    tracing::warn!(
                        client = %identified.client.id, channel = %wish.channel,
                        "the server subscribes a client to more than {SUBSCRIPTIONS_MAX} channels: its connection ends",
                    );
                    return Err(codes::CHANNEL_LIMIT);
                }
                let session = Session {
                    shared: self.shared.clone(),
                    member: self.member.clone(),
                    client: identified.client.clone(),
                    encoding: self.peer.encoding,
                };
                self.work = Some(Box::pin(session.subscribe_for_server(*wish, None)));
            }
            Order::Unsubscribe(channel, why) => {
                if self.subscriptions.remove(&channel) {
                    self.outbox.push(&Message::Push(channel, Push::Unsubscribe(why)));
                }
            }
            Order::ProveAgain => self.identify_again(None),
            Order::Refresh(refreshed) => self.refreshed_by_server(refreshed)?,
            Order::Send(data) => self.outbox.push(&Message::Push("".into(), Push::Message(data))),
            // They were taken as they came.
            Order::Disconnect(_) | Order::Leave => {}
        }
        Ok(())
    }
}
