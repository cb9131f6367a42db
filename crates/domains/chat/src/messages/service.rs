//! Posting, reading and deleting: checks the caller, then leaves order and durability to the room's sequencer.

use std::{sync::Arc, time::Duration};

use kernel::{AccountId, BroadcastId, Caller, Clock, Identity, MessageId, Page, Snowflake, Timestamp};
use ports::room_log::{Redaction, RoomLog};
use sequencer::{Placed, Sequencers};
use serde_json::value::RawValue;

use super::Error;
use super::model::{
    Author, Deletion, DeletionKind, Draft, HistoryItem, Message, MessageKind, Tombstone, TombstoneKind, client_key,
    message_key, room_name,
};
use super::rate_limit::RateLimit;
use super::text::{check_client_id, check_text};
use crate::needs::{RoomInfo, Rooms, Silences};
use crate::{Parts, Settings};

/// A sequencer goes away when its room was silent for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// The messages of all rooms.
pub struct Messages {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    log: Arc<dyn RoomLog>,
    rooms: Arc<dyn Rooms>,
    silences: Arc<dyn Silences>,
    after_end_ms: i64,
    rate_limit: RateLimit,
    pub(super) sequencers: Sequencers,
}

impl Messages {
    /// The messages slice on these parts.
    pub fn new(parts: &Parts, silences: Arc<dyn Silences>, settings: &Settings) -> Self {
        Self::with_silence(parts, silences, settings, SILENCE)
    }

    pub(super) fn with_silence(
        parts: &Parts,
        silences: Arc<dyn Silences>,
        settings: &Settings,
        silence: Duration,
    ) -> Self {
        // An id is as good as a random number: no other process makes it.
        let seed = parts.ids.next(parts.clock.now()).unsigned_abs();
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            log: parts.log.clone(),
            rooms: parts.rooms.clone(),
            silences,
            after_end_ms: i64::from(settings.after_end_s) * 1_000,
            rate_limit: RateLimit::new(settings.rate),
            sequencers: Sequencers::new(parts.log.clone(), parts.bus.clone(), seed).with_silence(silence),
        }
    }

    /// Posts `text` into the broadcast's room. When it returns, the message is durable. `client_id` is the sender's own
    /// id for it: sent again, it is answered with the first message, also when the room is closed or the allowance spent by
    /// then.
    pub async fn post(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        text: String,
        client_id: Option<String>,
    ) -> Result<Message, Error> {
        let posted = self.try_post(caller, broadcast, text, client_id).await;
        let outcome = match &posted {
            Ok(_) => "posted",
            Err(Error::TooFast { .. }) => "too_fast",
            Err(Error::Busy(_) | Error::Log(_) | Error::Need(_) | Error::Entry(_)) => "failed",
            Err(_) => "refused",
        };
        metrics::counter!("madang_chat_posts_total", "outcome" => outcome).increment(1);
        posted
    }

    async fn try_post(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        text: String,
        client_id: Option<String>,
    ) -> Result<Message, Error> {
        let identity = caller.identity.as_ref().ok_or(Error::SignInRequired)?;
        check_text(&text)?;
        client_id.as_deref().map_or(Ok(()), check_client_id)?;
        let room = self.room(broadcast).await?;
        let (name, account, now) = (room_name(broadcast), identity.account, self.clock.now());
        let host = account == room.host;
        let granted = match self.may_write(identity, broadcast, &room, now).await {
            Ok(()) => self.rate_limit.take(account, host, now).map_err(|seconds| Error::TooFast { seconds }),
            refused => refused,
        };
        if let Err(refusal) = granted {
            // A resend whose first answer was lost asks for nothing new.
            let before = self.posted_before(&name, account, client_id.as_deref()).await?;
            return before.ok_or(refusal);
        }
        let id = MessageId::from_raw(self.ids.next(now));
        let message = Message {
            kind: MessageKind::Message,
            id,
            text,
            client_id,
            at: now,
            account: author(identity, host),
            offset: 0,
        };
        let draft = Draft::Message(message.clone());
        let placed = self.sequencers.place(&name, draft.of(now, None)).await;
        if !matches!(placed, Ok(Placed::Here(_))) {
            self.rate_limit.give_back(account, now);
        }
        match placed? {
            Placed::Here(offset) => Ok(Message { offset, ..message }),
            Placed::Before(offset) => self.message_at(&name, offset).await,
        }
    }

    /// Up to `limit` entries of the room before `before_offset` (the latest ones when not given), in order of offset,
    /// byte for byte as they were published. Deleted messages stand there as tombstones, and deletions in their own
    /// places: offsets have no holes. `next_cursor` is the `before_offset` for older ones.
    pub async fn history(
        &self,
        broadcast: BroadcastId,
        before_offset: Option<u64>,
        limit: u32,
    ) -> Result<Page<Box<RawValue>>, Error> {
        self.room(broadcast).await?;
        let room = room_name(broadcast);
        let next = self.log.head(&room).await?.next;
        let end = before_offset.unwrap_or(next).clamp(1, next);
        let from = end.saturating_sub(u64::from(limit)).max(1);
        let records = self.log.read(&room, from, (end - from) as usize).await?;
        let items = records.iter().map(|record| serde_json::from_slice(&record.data)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: (from > 1).then(|| from.to_string()) })
    }

    /// Deletes a message: its author, the host and administrators may. Its text is gone from the log when this returns,
    /// a tombstone stands in its place, and the deletion is published. Deleted before: nothing to do.
    pub async fn delete(&self, caller: &Caller, broadcast: BroadcastId, message: MessageId) -> Result<(), Error> {
        let identity = caller.identity.as_ref().ok_or(Error::SignInRequired)?;
        let moderator = identity.admin || identity.account == self.room(broadcast).await?.host;
        let room = room_name(broadcast);
        let places = self.log.offsets_of(&room, &[message_key(message)]).await?;
        let place = places.first().copied().flatten().ok_or(Error::MessageUnknown)?;
        let (at, author) = match self.item_at(&room, place).await? {
            HistoryItem::Message(message) => (message.at, message.account.id),
            HistoryItem::Deleted(_) | HistoryItem::MessageDeleted(_) if moderator => return Ok(()),
            HistoryItem::Deleted(_) | HistoryItem::MessageDeleted(_) => return Err(Error::NotAllowed),
        };
        if !moderator && author != identity.account {
            return Err(Error::NotAllowed);
        }
        let tombstone = Tombstone { kind: TombstoneKind::Deleted, id: message, at, offset: place };
        let replacement = serde_json::to_vec(&tombstone)?.into();
        let draft = Draft::Deletion(Deletion {
            kind: DeletionKind::MessageDeleted,
            id: message,
            message_offset: place,
            offset: 0,
        });
        let redacts = Some(Redaction { offset: place, replacement });
        let now = self.clock.now();
        self.sequencers.place(&room, draft.of(now, redacts)).await?;
        metrics::counter!("madang_chat_deletions_total").increment(1);
        Ok(())
    }

    async fn room(&self, broadcast: BroadcastId) -> Result<RoomInfo, Error> {
        self.rooms.room(broadcast).await?.ok_or(Error::BroadcastUnknown)
    }

    async fn may_write(
        &self,
        identity: &Identity,
        broadcast: BroadcastId,
        room: &RoomInfo,
        now: Timestamp,
    ) -> Result<(), Error> {
        let closes_at = room.ended_at.map(|ended_at| ended_at.plus_millis(self.after_end_ms));
        if !room.open && closes_at.is_none_or(|closes_at| now >= closes_at) {
            return Err(Error::RoomClosed);
        }
        if identity.admin || identity.account == room.host {
            return Ok(());
        }
        match self.silences.silenced_until(broadcast, identity.account).await? {
            Some(until) if until > now => {
                Err(Error::TimedOut { seconds: until.millis_since(now).unsigned_abs().div_ceil(1_000) })
            }
            _ => Ok(()),
        }
    }

    async fn posted_before(
        &self,
        room: &str,
        account: AccountId,
        client_id: Option<&str>,
    ) -> Result<Option<Message>, Error> {
        let Some(client_id) = client_id else { return Ok(None) };
        let places = self.log.offsets_of(room, &[client_key(account, client_id)]).await?;
        match places.first().copied().flatten() {
            Some(place) => self.message_at(room, place).await.map(Some),
            None => Ok(None),
        }
    }

    async fn message_at(&self, room: &str, offset: u64) -> Result<Message, Error> {
        match self.item_at(room, offset).await? {
            HistoryItem::Message(message) => Ok(message),
            HistoryItem::Deleted(_) | HistoryItem::MessageDeleted(_) => Err(Error::MessageDeleted),
        }
    }

    async fn item_at(&self, room: &str, offset: u64) -> Result<HistoryItem, Error> {
        let records = self.log.read(room, offset, 1).await?;
        let record = records.first().ok_or(Error::MessageUnknown)?;
        Ok(serde_json::from_slice(&record.data)?)
    }
}

fn author(identity: &Identity, host: bool) -> Author {
    let Identity { handle, display_name, .. } = identity.clone();
    Author { id: identity.account, handle, display_name, host }
}
