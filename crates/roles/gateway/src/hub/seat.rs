//! A subscriber's place in a channel; giving it up ends the subscription.

use std::sync::Arc;

use super::{Channel, Member};

/// Held by a subscription. As long as it is, the member is woken by the channel and the channel is kept.
pub(crate) struct Seat {
    channel: Arc<Channel>,
    member: Arc<Member>,
}

impl Seat {
    pub(super) fn take(channel: Arc<Channel>, member: Arc<Member>) -> Self {
        channel.join(member.clone());
        metrics::gauge!("madang_gateway_subscriptions").increment(1.0);
        Self { channel, member }
    }

    pub(crate) fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::gauge!("madang_gateway_subscriptions").decrement(1.0);
        self.channel.leave(&self.member);
    }
}
