//! Posting, reading and deleting: checks the caller, then leaves order and durability to the room's sequencer.

use std::{sync::Arc, time::Duration};

use kernel::{BroadcastId, Caller, Clock, MessageId, ModLogId, Page, Snowflake, Timestamp, random::RandomError};
use ports::room_log::{Redaction, RoomLog};
use ports::sql::Database;
use sequencer::{Placed, Sequencers};
use serde_json::value::RawValue;

use super::Error;
use super::composing::{mentions, reply_to};
use super::draft::{Draft, Notice};
use super::model::{
    Author, Deletion, DeletionKind, HistoryItem, Message, MessageKind, NewMessage, Tombstone, TombstoneKind,
    client_key, message_key, room_name,
};
use super::permission::{Allowance, Permission, Writer};
use super::text::{check_client_id, check_text};
use crate::bans::AuthorAddresses;
use crate::blocked_words::Verdict;
use crate::message_counts::Spoken;
use crate::mod_log::{self, Act};
use crate::moderators::Role;
use crate::needs::Names;
use crate::order::Order;
use crate::review::{HeldRow, HoldOutcome, Queue};
use crate::{Parts, Settings};

/// A sequencer goes away when its room was silent for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// The messages of all rooms.
pub struct Messages {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    log: Arc<dyn RoomLog>,
    names: Arc<dyn Names>,
    permission: Permission,
    addresses: Arc<AuthorAddresses>,
    queue: Queue,
    spoken: Arc<Spoken>,
    pub(super) sequencers: Sequencers,
}

/// What the slice shares with others of chat.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) order: Arc<Order>,
    pub(crate) addresses: Arc<AuthorAddresses>,
    pub(crate) spoken: Arc<Spoken>,
}

/// A message that may be placed.
struct Ready {
    message: Message,
    allowance: Allowance,
}

impl Messages {
    /// The messages slice on these parts.
    pub(crate) fn new(parts: &Parts, shared: Shared, settings: &Settings) -> Result<Self, RandomError> {
        Self::with_silence(parts, shared, settings, SILENCE)
    }

    pub(super) fn with_silence(
        parts: &Parts,
        shared: Shared,
        settings: &Settings,
        silence: Duration,
    ) -> Result<Self, RandomError> {
        let mut seed = [0; 8];
        parts.random.fill(&mut seed)?;
        let seed = u64::from_le_bytes(seed);
        Ok(Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            log: parts.log.clone(),
            names: parts.names.clone(),
            permission: Permission::new(parts, shared.order, settings),
            addresses: shared.addresses,
            queue: Queue::new(parts.database.clone()),
            spoken: shared.spoken,
            sequencers: Sequencers::new(parts.log.clone(), parts.bus.clone(), seed).with_silence(silence),
        })
    }

    /// Posts a message into the broadcast's room. When it returns, the message is durable. With a client id it is harmless to
    /// post it again: the answer is the first message, also when the room is closed or the allowance spent by then.
    /// [`Error::Held`] is no failure: the message waits for review.
    pub async fn post(&self, caller: &Caller, broadcast: BroadcastId, new: NewMessage) -> Result<Message, Error> {
        let mut answers = self.post_group(caller, broadcast, vec![new]).await;
        answers.pop().unwrap_or(Err(Error::MessageUnknown))
    }

    /// Posts messages of one caller in their order; each is held to the rules on its own, and those that may be posted
    /// become durable together. One answer for each.
    pub async fn post_group(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        group: Vec<NewMessage>,
    ) -> Vec<Result<Message, Error>> {
        let mut writer = None;
        let mut prepared = Vec::with_capacity(group.len());
        for new in group {
            prepared.push(self.prepare(caller, broadcast, &mut writer, new).await);
        }
        let answers = self.place(&room_name(broadcast), prepared).await;
        if answers.iter().any(Result::is_ok) {
            self.spoken.in_room(broadcast);
        }
        answers.iter().for_each(count);
        answers
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
        self.permission.room(broadcast).await?;
        let room = room_name(broadcast);
        let next = self.log.head(&room).await?.next;
        let end = before_offset.unwrap_or(next).clamp(1, next);
        let from = end.saturating_sub(u64::from(limit)).max(1);
        let records = self.log.read(&room, from, (end - from) as usize).await?;
        let items = records.iter().map(|record| serde_json::from_slice(&record.data)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: (from > 1).then(|| from.to_string()) })
    }

    /// Deletes a message: its author may, and whoever may silence its author. Its text is gone from the log when this
    /// returns, a tombstone stands in its place, and the deletion is published. Deleted before: nothing to do.
    pub async fn delete(&self, caller: &Caller, broadcast: BroadcastId, message: MessageId) -> Result<(), Error> {
        let identity = caller.identity.as_deref().ok_or(Error::SignInRequired)?;
        let host = self.permission.room(broadcast).await?;
        let room = room_name(broadcast);
        let place = self.place_of(&room, message).await?;
        let item = self.item_at(&room, place).await?;
        let author = match &item {
            HistoryItem::Message(message) => message.account.id,
            HistoryItem::Deleted(Tombstone { author: Some(author), .. }) => *author,
            _ => identity.account,
        };
        let (role, authors) = self.permission.roles(identity, author, &host).await?;
        if author != identity.account && !role.silences(authors) && !role.appoints() {
            return Err(Error::NotAllowed);
        }
        let HistoryItem::Message(deleted) = item else { return Ok(()) };
        let now = self.clock.now();
        if author != identity.account {
            let record = mod_log::Record {
                id: ModLogId::from_raw(self.ids.next(now)),
                host: host.host,
                moderator: identity.account,
                at: now,
                act: Act::MessageDeleted,
                account: Some(author),
                broadcast: Some(broadcast),
                message: Some(message),
                detail: Some(deleted.text),
                reason: None,
            };
            mod_log::record_deletion(&self.database, &record).await?;
        }
        let tombstone = Tombstone {
            kind: TombstoneKind::Deleted,
            id: message,
            at: deleted.at,
            author: Some(author),
            offset: place,
        };
        let replacement = serde_json::to_vec(&tombstone)?.into();
        let draft = Draft::Deletion(Deletion {
            kind: DeletionKind::MessageDeleted,
            id: message,
            message_offset: place,
            offset: 0,
        });
        let redacts = Some(Redaction { offset: place, replacement });
        self.sequencers.place(&room, draft.of(now, redacts)).await?;
        metrics::counter!("madang_chat_deletions_total").increment(1);
        Ok(())
    }

    /// Tells the room's readers something, in the order of the log.
    pub(crate) async fn tell(&self, broadcast: BroadcastId, notice: Notice) -> Result<(), Error> {
        let now = self.clock.now();
        let draft = Draft::Notice(notice);
        let room = room_name(broadcast);
        self.sequencers.place(&room, draft.of(now, None)).await?;
        Ok(())
    }

    /// Publishes a message that was held; again is harmless. What it answered may be gone by now.
    pub(crate) async fn publish_held(&self, held: HeldRow) -> Result<Message, Error> {
        let (room, now) = (room_name(held.broadcast), self.clock.now());
        let info = self.permission.room(held.broadcast).await?;
        let name = self.names.names(&[held.account]).await?.remove(&held.account);
        let name = name.ok_or(Error::MessageUnknown)?;
        let reply_to = match held.reply_to {
            Some(parent) => self.reply_to(&room, parent).await.ok(),
            None => None,
        };
        let host = held.account == info.host;
        let message = Message {
            kind: MessageKind::Message,
            id: held.id,
            mentions: mentions(&*self.names, &held.text).await?,
            text: held.text,
            client_id: held.client_id,
            at: now,
            account: Author {
                id: held.account,
                handle: name.handle,
                display_name: name.display_name,
                host,
                moderator: false,
            },
            reply_to,
            offset: 0,
        };
        let draft = Draft::Approved(message.clone());
        self.spoken.in_room(held.broadcast);
        match self.sequencers.place(&room, draft.of(now, None)).await? {
            Placed::Here(offset) => Ok(Message { offset, ..message }),
            Placed::Before(offset) => self.message_at(&room, offset).await,
        }
    }

    /// Whether messages may be published in the broadcast's room.
    pub(crate) async fn check_open(&self, broadcast: BroadcastId) -> Result<(), Error> {
        self.permission.check_open(&self.permission.room(broadcast).await?, self.clock.now())
    }

    /// The message of the room with this id.
    pub(crate) async fn find(&self, broadcast: BroadcastId, message: MessageId) -> Result<Message, Error> {
        let room = room_name(broadcast);
        self.message_at(&room, self.place_of(&room, message).await?).await
    }

    /// The message at this place of the room.
    pub(crate) async fn at(&self, broadcast: BroadcastId, offset: u64) -> Result<Message, Error> {
        self.message_at(&room_name(broadcast), offset).await
    }

    /// What is waiting for review of the caller's messages in the room.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    async fn prepare(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        known: &mut Option<Writer>,
        new: NewMessage,
    ) -> Result<Prepared, Error> {
        if caller.identity.is_none() {
            return Err(Error::SignInRequired);
        }
        check_text(&new.text)?;
        new.client_id.as_deref().map_or(Ok(()), check_client_id)?;
        let now = self.clock.now();
        let writer = match known {
            Some(writer) => writer,
            None => known.insert(self.permission.writer(caller, broadcast, now).await?),
        };
        let allowance = match self.permission.take(writer, &new.text, now).await {
            Ok(allowance) => allowance,
            Err(refusal) => {
                // A resend whose first answer was lost asks for nothing new.
                let before = self.posted_before(writer, new.client_id.as_deref()).await?;
                return before.map(|message| Prepared::Before(Box::new(message))).ok_or(refusal);
            }
        };
        self.addresses.wrote(writer.room.host, writer.identity.account, caller.address, now);
        let ready = self.compose(writer, new, now).await;
        match ready {
            Ok(message) => Ok(Prepared::Ready(Box::new(Ready { message, allowance }))),
            Err(Unposted::Counts(error)) => Err(error),
            Err(Unposted::CountsNot(error)) => {
                self.permission.give_back(allowance).await;
                Err(error)
            }
            Err(Unposted::Before(message)) => {
                self.permission.give_back(allowance).await;
                Ok(Prepared::Before(message))
            }
        }
    }

    async fn compose(&self, writer: &Writer, new: NewMessage, now: Timestamp) -> Result<Message, Unposted> {
        let NewMessage { mut text, client_id, reply_to: parent } = new;
        let id = MessageId::from_raw(self.ids.next(now));
        let identity = &writer.identity;
        let room = room_name(writer.broadcast);
        let reply_to = match parent {
            Some(parent) => Some(self.reply_to(&room, parent).await?),
            None => None,
        };
        if writer.role == Role::Viewer {
            match writer.order.words.judge(&text) {
                Verdict::Pass => (),
                Verdict::Mask(masked) => text = masked,
                Verdict::Refuse(word) => return Err(Unposted::Counts(Error::BlockedWord(word))),
                Verdict::Hold(word) => {
                    let (host, broadcast, account) = (writer.room.host, writer.broadcast, identity.account);
                    let row =
                        HeldRow { id, host, broadcast, account, text, client_id, reply_to: parent, word, at: now };
                    return Err(self.hold(writer, row).await);
                }
            }
        }
        let account = Author {
            id: identity.account,
            handle: identity.handle.clone(),
            display_name: identity.display_name.clone(),
            host: writer.role == Role::Host,
            moderator: matches!(writer.role, Role::Moderator | Role::Administrator),
        };
        let mentions = mentions(&*self.names, &text).await?;
        Ok(Message { kind: MessageKind::Message, id, text, client_id, at: now, account, mentions, reply_to, offset: 0 })
    }

    async fn hold(&self, writer: &Writer, row: HeldRow) -> Unposted {
        let client_id = row.client_id.clone();
        match self.queue.hold(row).await {
            Ok(HoldOutcome::Waits(held, fresh)) if fresh.0 => Unposted::Counts(Error::Held(Box::new(held))),
            Ok(HoldOutcome::Waits(held, _)) => Unposted::CountsNot(Error::Held(Box::new(held))),
            Ok(HoldOutcome::Approved) => match self.posted_before(writer, client_id.as_deref()).await {
                Ok(Some(message)) => Unposted::Before(Box::new(message)),
                Ok(None) => Unposted::CountsNot(Error::Busy("the message is about to be published".into())),
                Err(error) => error.into(),
            },
            Ok(HoldOutcome::Rejected) => Unposted::CountsNot(Error::Rejected),
            Ok(HoldOutcome::Full) => Unposted::CountsNot(Error::ReviewFull),
            Err(error) => Unposted::CountsNot(error.into()),
        }
    }

    /// Places those that may be posted, all at once, and answers each.
    async fn place(&self, room: &str, prepared: Vec<Result<Prepared, Error>>) -> Vec<Result<Message, Error>> {
        let draft = |one: &Result<Prepared, Error>| match one {
            Ok(Prepared::Ready(ready)) => Some(Draft::Message(ready.message.clone()).of(ready.message.at, None)),
            Ok(Prepared::Before(_)) | Err(_) => None,
        };
        let drafts: Vec<sequencer::Draft> = prepared.iter().filter_map(draft).collect();
        let mut placed = self.sequencers.place_all(room, drafts).await.into_iter();
        let mut answers = Vec::with_capacity(prepared.len());
        for one in prepared {
            answers.push(match one {
                Ok(Prepared::Ready(ready)) => self.placed(room, *ready, placed.next()).await,
                Ok(Prepared::Before(message)) => Ok(*message),
                Err(error) => Err(error),
            });
        }
        answers
    }

    async fn placed(
        &self,
        room: &str,
        ready: Ready,
        placed: Option<Result<Placed, sequencer::Error>>,
    ) -> Result<Message, Error> {
        let Ready { message, allowance } = ready;
        if !matches!(placed, Some(Ok(Placed::Here(_)))) {
            self.permission.give_back(allowance).await;
        }
        match placed.ok_or(Error::MessageUnknown)?? {
            Placed::Here(offset) => Ok(Message { offset, ..message }),
            Placed::Before(offset) => self.message_at(room, offset).await,
        }
    }

    async fn reply_to(&self, room: &str, parent: MessageId) -> Result<super::ReplyTo, Error> {
        let place = match self.place_of(room, parent).await {
            Err(Error::MessageUnknown) => return Err(Error::ReplyUnknown),
            place => place?,
        };
        reply_to(self.item_at(room, place).await?)
    }

    async fn posted_before(&self, writer: &Writer, client_id: Option<&str>) -> Result<Option<Message>, Error> {
        let Some(client_id) = client_id else { return Ok(None) };
        let room = room_name(writer.broadcast);
        let places = self.log.offsets_of(&room, &[client_key(writer.identity.account, client_id)]).await?;
        match places.first().copied().flatten() {
            Some(place) => self.message_at(&room, place).await.map(Some),
            None => Ok(None),
        }
    }

    async fn place_of(&self, room: &str, message: MessageId) -> Result<u64, Error> {
        let places = self.log.offsets_of(room, &[message_key(message)]).await?;
        places.first().copied().flatten().ok_or(Error::MessageUnknown)
    }

    async fn message_at(&self, room: &str, offset: u64) -> Result<Message, Error> {
        match self.item_at(room, offset).await? {
            HistoryItem::Message(message) => Ok(message),
            _ => Err(Error::MessageDeleted),
        }
    }

    async fn item_at(&self, room: &str, offset: u64) -> Result<HistoryItem, Error> {
        let records = self.log.read(room, offset, 1).await?;
        let record = records.first().ok_or(Error::MessageUnknown)?;
        Ok(serde_json::from_slice(&record.data)?)
    }
}

/// A message that has passed the rules.
enum Prepared {
    Ready(Box<Ready>),
    /// It is a resend, and this is the first one.
    Before(Box<Message>),
}

/// Why a message that was counted is not posted.
enum Unposted {
    /// It stays counted, so that nobody tries words without end.
    Counts(Error),
    /// It was no message.
    CountsNot(Error),
    /// It was posted before.
    Before(Box<Message>),
}

impl From<Error> for Unposted {
    fn from(error: Error) -> Self {
        Self::CountsNot(error)
    }
}

fn count(posted: &Result<Message, Error>) {
    let outcome = match posted {
        Ok(_) => "posted",
        Err(Error::TooFast { .. } | Error::SlowMode { .. } | Error::RoomRate { .. }) => "too_fast",
        Err(Error::Held(_)) => "held",
        Err(Error::Busy(_) | Error::Log(_) | Error::Need(_) | Error::Store(_) | Error::Entry(_)) => "failed",
        Err(_) => "refused",
    };
    metrics::counter!("madang_chat_posts_total", "outcome" => outcome).increment(1);
}
