//! Whether somebody may write in a room now: the room's life, bans and timeouts, the room's modes, and the rates.
//!
//! The streamer, moderators and administrators are held to the room's life and the rate per account alone; the streamer
//! writes five times as much.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::{AccountId, Adjustable, BroadcastId, Caller, Identity, Rate, RateLimiter, Timestamp, ids::snowflake_time};

use super::Error;
use super::rate_limit::RateLimit;
use super::slow_mode::{SlowMode, Taken};
use crate::moderators::{Role, role_of};
use crate::needs::{RoomInfo, Rooms};
use crate::order::{ChannelOrder, Order, Standing};
use crate::room_settings::Emotes;
use crate::{Parts, Settings};

/// Rooms whose rate is counted.
const ROOMS_MAX: usize = 10_000;

/// Somebody who is about to write in a room, with all that is asked of them.
pub(super) struct Writer {
    pub(super) identity: Identity,
    pub(super) role: Role,
    pub(super) broadcast: BroadcastId,
    pub(super) room: RoomInfo,
    pub(super) order: Arc<ChannelOrder>,
    standing: Standing,
    address_banned: bool,
}

/// What a message has taken of the allowances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    account: AccountId,
    at: Timestamp,
    slow_mode: Option<Taken>,
    room: Option<BroadcastId>,
}

/// The rules of all rooms, and what is counted for them.
pub(super) struct Permission {
    rooms: Arc<dyn Rooms>,
    order: Arc<Order>,
    emotes: Emotes,
    after_end_ms: i64,
    account_rate: RateLimit,
    room_rate: Adjustable<Rate>,
    room_rates: Mutex<RateLimiter<BroadcastId>>,
    slow_mode: SlowMode,
}

impl Permission {
    pub(super) fn new(parts: &Parts, order: Arc<Order>, settings: &Settings) -> Self {
        Self {
            rooms: parts.rooms.clone(),
            order,
            emotes: settings.emotes.clone(),
            after_end_ms: i64::from(settings.after_end_s) * 1_000,
            account_rate: RateLimit::new(settings.rate.clone()),
            room_rate: settings.room_rate.clone(),
            room_rates: Mutex::new(RateLimiter::new(settings.room_rate.clone(), ROOMS_MAX)),
            slow_mode: SlowMode::new(parts.is_one_of_several.then(|| parts.database.clone())),
        }
    }

    pub(super) async fn room(&self, broadcast: BroadcastId) -> Result<RoomInfo, Error> {
        self.rooms.room(broadcast).await?.ok_or(Error::BroadcastUnknown)
    }

    /// What the caller is in the room, and what another account is as far as its id tells.
    pub(super) async fn roles(
        &self,
        identity: &Identity,
        other: AccountId,
        room: &RoomInfo,
    ) -> Result<(Role, Role), Error> {
        let order = self.order.of(room.host).await?;
        let role = role_of(identity.account, identity.admin, room.host, &order);
        Ok((role, role_of(other, false, room.host, &order)))
    }

    /// The caller as a writer in the room; what is read here holds for a group of messages.
    pub(super) async fn writer(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        now: Timestamp,
    ) -> Result<Writer, Error> {
        let identity = *caller.identity.clone().ok_or(Error::SignInRequired)?;
        let room = self.room(broadcast).await?;
        let order = self.order.of(room.host).await?;
        let role = role_of(identity.account, identity.admin, room.host, &order);
        let standing = match role {
            Role::Viewer => self.order.standing(broadcast, room.host, identity.account).await?,
            _ => Standing::default(),
        };
        let address_banned = role == Role::Viewer && order.bans_address(caller.address, now);
        Ok(Writer { identity, role, broadcast, room, order, standing, address_banned })
    }

    /// Whether the room is open, or closed so lately that it still is.
    pub(super) fn check_open(&self, room: &RoomInfo, now: Timestamp) -> Result<(), Error> {
        let closes_at = room.ended_at.map(|ended_at| ended_at.plus_millis(self.after_end_ms));
        let closed = !room.open && closes_at.is_none_or(|closes_at| now >= closes_at);
        if closed { Err(Error::RoomClosed) } else { Ok(()) }
    }

    /// Lets a message through and counts it, or says why not and counts nothing.
    pub(super) async fn take(&self, writer: &Writer, text: &str, now: Timestamp) -> Result<Allowance, Error> {
        let account = writer.identity.account;
        self.check_open(&writer.room, now)?;
        if writer.role == Role::Viewer {
            self.check_modes(writer, text, now)?;
        }
        let host = writer.role == Role::Host;
        self.account_rate.take(account, host, now).map_err(|seconds| Error::TooFast { seconds })?;
        let mut allowance = Allowance { account, at: now, slow_mode: None, room: None };
        if writer.role == Role::Viewer {
            let counted = self.take_in_room(writer, &mut allowance, now).await;
            if counted.is_err() {
                self.give_back(allowance).await;
            }
            counted?;
        }
        Ok(allowance)
    }

    /// Takes a counted message back: it was a resend, or could not be kept.
    pub(super) async fn give_back(&self, allowance: Allowance) {
        self.account_rate.give_back(allowance.account, allowance.at);
        if let Some(broadcast) = allowance.room {
            self.room_rates.lock().unwrap_or_else(PoisonError::into_inner).give_back(&broadcast, 1);
        }
        if let Some(taken) = allowance.slow_mode {
            self.slow_mode.give_back(taken).await;
        }
    }

    fn check_modes(&self, writer: &Writer, text: &str, now: Timestamp) -> Result<(), Error> {
        let Writer { standing, order, .. } = writer;
        let settings = &order.settings;
        if standing.banned || writer.address_banned {
            return Err(Error::Banned);
        }
        if let Some(until) = standing.timed_out_until.filter(|until| *until > now) {
            return Err(Error::TimedOut { seconds: until.millis_since(now).unsigned_abs().div_ceil(1_000) });
        }
        if settings.read_only {
            return Err(Error::ReadOnly);
        }
        let account = writer.identity.account;
        if settings.members_only && !standing.approved && !settings.member_by_age(account, now) {
            let member_at = |minutes: u32| snowflake_time(account.raw()).plus_millis(i64::from(minutes) * 60_000);
            let seconds = settings.member_after_minutes.map(member_at);
            let seconds = seconds.map(|at| at.millis_since(now).unsigned_abs().div_ceil(1_000));
            return Err(Error::MembersOnly { seconds });
        }
        if settings.emote_only && !self.emotes.are_all_of(text) {
            return Err(Error::EmoteOnly);
        }
        Ok(())
    }

    async fn take_in_room(&self, writer: &Writer, allowance: &mut Allowance, now: Timestamp) -> Result<(), Error> {
        let rate = self.room_rate.get();
        let too_often = |often: kernel::rate::TooOften| Error::RoomRate { rate, seconds: often.retry_after_s() };
        let in_room = self.room_rates.lock().unwrap_or_else(PoisonError::into_inner).take(writer.broadcast, now);
        in_room.map_err(too_often)?;
        allowance.room = Some(writer.broadcast);
        let every = writer.order.settings.slow_mode_s;
        let taken = self.slow_mode.take(writer.broadcast, writer.identity.account, every, now).await?;
        allowance.slow_mode = Some(taken);
        Ok(())
    }
}
