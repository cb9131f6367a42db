//! What the channels of a namespace offer.

use serde::Deserialize;

use super::Span;
use crate::{
    needs::{ChannelRules, Offer, Room},
    tokens::{Override, SubscriptionOptions},
};

/// The options of a namespace. They are called as operators of Centrifuge servers know them; `durable` and `publisher_info` are
/// ours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelOptions {
    /// Whether it is known who is subscribed.
    pub presence: bool,
    /// Whether coming and leaving is told to subscribers that ask for it.
    pub join_leave: bool,
    /// Whether it is told to all subscribers.
    pub force_push_join_leave: bool,
    /// Publications kept in memory; 0: none.
    pub history_size: usize,
    /// For how long they are kept; 0s: not at all.
    pub history_ttl: Span,
    /// Publications are kept for good, in the room log of the site, in place of a window in memory.
    pub durable: bool,
    /// Whether a subscriber that asks for it is told its position, and that it cannot go on from it.
    pub allow_positioning: bool,
    /// Whether all subscribers are.
    pub force_positioning: bool,
    /// Whether a subscriber that asks for it comes back to where it was.
    pub allow_recovery: bool,
    /// Whether all subscribers do.
    pub force_recovery: bool,
    /// Forms in which a subscriber may ask for differences in place of whole publications.
    pub allowed_delta_types: Vec<DeltaType>,
    /// Whether a publication tells which client published it.
    pub publisher_info: bool,
    /// Whether users may subscribe; anonymous visitors too.
    pub allow_subscribe_for_client: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_subscribe_for_anonymous: bool,
    /// Whether users may publish; subscribers alone; anonymous visitors too.
    pub allow_publish_for_client: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_publish_for_subscriber: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_publish_for_anonymous: bool,
    /// Whether users may ask who is subscribed; subscribers alone; anonymous visitors too.
    pub allow_presence_for_client: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_presence_for_subscriber: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_presence_for_anonymous: bool,
    /// Whether users may read history; subscribers alone; anonymous visitors too.
    pub allow_history_for_client: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_history_for_subscriber: bool,
    #[allow(missing_docs, reason = "see the one above")]
    pub allow_history_for_anonymous: bool,
    /// Whether `name#user1,user2` lets these users in without a token, and nobody else.
    pub allow_user_limited_channels: bool,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self {
            presence: false,
            join_leave: false,
            force_push_join_leave: false,
            history_size: 0,
            history_ttl: Span::default(),
            durable: false,
            allow_positioning: false,
            force_positioning: false,
            allow_recovery: false,
            force_recovery: false,
            allowed_delta_types: Vec::new(),
            publisher_info: true,
            allow_subscribe_for_client: false,
            allow_subscribe_for_anonymous: false,
            allow_publish_for_client: false,
            allow_publish_for_subscriber: false,
            allow_publish_for_anonymous: false,
            allow_presence_for_client: false,
            allow_presence_for_subscriber: false,
            allow_presence_for_anonymous: false,
            allow_history_for_client: false,
            allow_history_for_subscriber: false,
            allow_history_for_anonymous: false,
            allow_user_limited_channels: false,
        }
    }
}

/// How the difference between two publications is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaType {
    /// The Fossil delta format.
    Fossil,
}

/// What a client does with a channel that is not for everybody.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Publish,
    Presence,
    History,
}

impl ChannelOptions {
    /// Whether publications are kept.
    pub(super) fn keeps_history(&self) -> bool {
        self.durable || self.has_window()
    }

    /// Whether publications are kept in memory, for a while.
    pub fn has_window(&self) -> bool {
        !self.durable && self.history_size > 0 && self.history_ttl > Span::default()
    }

    /// Why the options cannot be meant.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let positions = self.allow_positioning || self.force_positioning || self.allow_recovery || self.force_recovery;
        if self.durable && (self.history_size > 0 || self.history_ttl > Span::default()) {
            return Err("durable keeps everything; leave out history_size and history_ttl");
        }
        if (self.history_size > 0) != (self.history_ttl > Span::default()) {
            return Err("history takes both history_size and history_ttl");
        }
        if positions && !self.keeps_history() {
            return Err("positions and recovery take history: history_size with history_ttl, or durable");
        }
        if self.history_size > 100_000 {
            return Err("history_size is 100000 at the most");
        }
        Ok(())
    }

    /// Whether a user (anonymous: empty) may, by these options.
    pub(super) fn allow(&self, act: Act, user: &str, subscribed: bool) -> bool {
        let (client, subscriber, anonymous) = match act {
            Act::Publish => {
                (self.allow_publish_for_client, self.allow_publish_for_subscriber, self.allow_publish_for_anonymous)
            }
            Act::Presence => {
                (self.allow_presence_for_client, self.allow_presence_for_subscriber, self.allow_presence_for_anonymous)
            }
            Act::History => {
                (self.allow_history_for_client, self.allow_history_for_subscriber, self.allow_history_for_anonymous)
            }
        };
        (client || subscriber && subscribed) && (!user.is_empty() || anonymous)
    }

    /// What a subscriber is offered, `presence` and `history` if they may.
    pub(super) fn rules(
        &self,
        room: Option<Room>,
        presence: bool,
        history: bool,
        own: SubscriptionOptions,
    ) -> ChannelRules {
        let SubscriptionOptions { info, data, overrides } = own;
        let Override { join_leave, force_push_join_leave, force_recovery, force_positioning, .. } = overrides;
        let join_leave = join_leave.unwrap_or(self.join_leave);
        let offer = |forced: bool, allowed: bool| match (forced, allowed) {
            (true, _) => Offer::Always,
            (false, true) => Offer::Asked,
            (false, false) => Offer::Never,
        };
        ChannelRules {
            presence: overrides.presence.unwrap_or(self.presence) && presence,
            history: history && room.is_some(),
            recovery: offer(force_recovery.unwrap_or(self.force_recovery), self.allow_recovery),
            positioning: offer(force_positioning.unwrap_or(self.force_positioning), self.allow_positioning),
            recovery_window: (!self.durable).then_some(self.history_size as u64),
            join_leave: offer(force_push_join_leave.unwrap_or(self.force_push_join_leave), join_leave),
            announced: join_leave,
            delta: self.allowed_delta_types.contains(&DeltaType::Fossil),
            chan_info: info,
            expires_at: None,
            data,
            room,
        }
    }
}
