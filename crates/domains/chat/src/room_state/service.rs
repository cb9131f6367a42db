//! Reading the state of a room.

use std::sync::Arc;

use kernel::{BroadcastId, Caller, Clock, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Parts;
use crate::error::Error;
use crate::messages::Messages;
use crate::moderators::{Role, role_of};
use crate::needs::Rooms;
use crate::order::{Order, Standing};
use crate::pins::{PinnedMessage, Pins};
use crate::review::HeldMessage;
use crate::room_settings::{Emote, Emotes, RoomSettings};

/// A room as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RoomState {
    /// Its modes.
    pub settings: RoomSettings,
    /// The emotes of the site.
    pub emotes: Vec<Emote>,
    /// The pinned message, if there is one.
    pub pinned: Option<PinnedMessage>,
    /// The caller, when signed in.
    pub you: Option<OwnStanding>,
    /// The caller's messages that wait for review, oldest first.
    pub held: Vec<HeldMessage>,
}

/// What the caller is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnStanding {
    /// Who keeps order, and who does not.
    pub role: Role,
    /// Until when the caller is timed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timed_out_until: Option<Timestamp>,
    /// Whether the caller may not write in the channel.
    pub banned: bool,
    /// Whether the caller may write while the chat is for members only.
    pub member: bool,
}

/// The states of all rooms.
pub struct RoomStates {
    clock: Arc<dyn Clock>,
    rooms: Arc<dyn Rooms>,
    order: Arc<Order>,
    messages: Arc<Messages>,
    pins: Arc<Pins>,
    emotes: Emotes,
}

impl RoomStates {
    /// The slice on these parts.
    pub(crate) fn new(
        parts: &Parts,
        order: Arc<Order>,
        messages: Arc<Messages>,
        pins: Arc<Pins>,
        emotes: Emotes,
    ) -> Self {
        Self { clock: parts.clock.clone(), rooms: parts.rooms.clone(), order, messages, pins, emotes }
    }

    /// The room of a broadcast as the caller sees it.
    pub async fn state(&self, caller: &Caller, broadcast: BroadcastId) -> Result<RoomState, Error> {
        let room = self.rooms.room(broadcast).await?.ok_or(Error::BroadcastUnknown)?;
        let order = self.order.of(room.host).await?;
        let (mut you, mut held) = (None, Vec::new());
        if let Some(identity) = &caller.identity {
            let (account, now) = (identity.account, self.clock.now());
            let Standing { timed_out_until, banned, approved } =
                self.order.standing(broadcast, room.host, account).await?;
            let role = role_of(account, identity.admin, room.host, &order);
            you = Some(OwnStanding {
                role,
                timed_out_until: timed_out_until.filter(|until| *until > now && !role.moderates()),
                banned: !role.moderates() && (banned || order.bans_address(caller.address, now)),
                member: role.moderates() || approved || order.settings.member_by_age(account, now),
            });
            held = self.messages.queue().of_account(broadcast, room.host, account, now).await?;
        }
        let pinned = self.pins.pinned(broadcast).await?;
        Ok(RoomState { settings: order.settings, emotes: self.emotes.list(), pinned, you, held })
    }
}
