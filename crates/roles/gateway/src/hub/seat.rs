//! A subscriber's place in a channel; giving it up ends the subscription.

use std::sync::Arc;

use ports::{about::ClientInfo, bus::Movement};

use super::{Channel, Member, announcer::Announcer};
use crate::needs::ChannelRules;

/// Held by a subscription. As long as it is, the member is woken by the channel and the channel is kept.
pub(crate) struct Seat {
    channel: Arc<Channel>,
    member: Arc<Member>,
    announcer: Announcer,
    /// What was told when the subscriber came, and will be when it leaves.
    told: Option<Arc<ClientInfo>>,
}

impl Seat {
    pub(super) fn take(
        channel: Arc<Channel>,
        member: Arc<Member>,
        rules: Arc<ChannelRules>,
        announcer: Announcer,
    ) -> Self {
        channel.join(member.clone(), rules);
        metrics::gauge!("madang_gateway_subscriptions").increment(1.0);
        Self { channel, member, announcer, told: None }
    }

    pub(crate) fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// Tells the channel that the subscriber is here, where its rules say so; and later that it has left.
    pub(crate) fn announce(&mut self, rules: &ChannelRules) {
        if let Some(client) = self.member.client().filter(|_| rules.announced && self.told.is_none()) {
            let info = Arc::new(client.info(Some(rules)));
            self.announcer.announce(self.channel.name(), Movement::Joined(info.clone()));
            self.told = Some(info);
        }
    }

    /// Takes other rules for the subscriber.
    pub(crate) fn update(&self, rules: Arc<ChannelRules>) {
        self.channel.update(&self.member, rules);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::gauge!("madang_gateway_subscriptions").decrement(1.0);
        self.channel.leave(&self.member);
        if let Some(info) = self.told.take() {
            self.announcer.announce(self.channel.name(), Movement::Left(info));
        }
    }
}
