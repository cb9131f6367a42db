//! What the tests of both slices stand on: chat on a real database, with broadcasts and accounts that are just there.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use engines::embedded::LocalBus;
use engines::sql::{ROOM_LOG_MIGRATIONS, SqlRoomLog};
use engines::system::SystemRandom;
use engines::testing::{ManualClock, TestDatabase, databases};
use kernel::{AccountId, BroadcastId, Caller, Clock, Identity, MessageId, Page, SessionId, Snowflake, Timestamp};
use ports::bus::{Bus, Listener, Publication};
use ports::room_log::READ_MAX;
use serde_json::value::RawValue;

use crate::messages::{self, HistoryItem, Message, NewMessage, room_name};
use crate::needs::{Name, Names, NeedError, RoomInfo, Rooms};
use crate::timeouts::Timeout;
use crate::{Chat, Error, MIGRATIONS, Parts, Settings};

pub(crate) const HOST: AccountId = AccountId::from_raw(1);
pub(crate) const BROADCAST: BroadcastId = BroadcastId::from_raw(17);
pub(crate) const START_MS: i64 = 1_780_000_000_000;

/// Everything around chat, on one engine.
pub(crate) struct Stage {
    pub(crate) parts: Parts,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) broadcasts: Arc<Broadcasts>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) test: TestDatabase,
}

/// A stage on each engine.
pub(crate) async fn stages() -> Vec<Stage> {
    let mut stages = Vec::new();
    for test in databases(&[MIGRATIONS, ROOM_LOG_MIGRATIONS]).await {
        let clock = Arc::new(ManualClock::at(START_MS));
        let broadcasts = Arc::new(Broadcasts::default());
        let (bus, heard) = (Arc::new(LocalBus::default()), Arc::new(Heard::default()));
        bus.attach(heard.clone());
        bus.subscribe(&room_name(BROADCAST)).await.unwrap();
        let parts = Parts {
            clock: clock.clone(),
            ids: Arc::new(Snowflake::new(1)),
            random: Arc::new(SystemRandom),
            database: test.database.clone(),
            log: Arc::new(SqlRoomLog::new(test.database.clone())),
            bus,
            rooms: broadcasts.clone(),
            names: Arc::new(Everybody),
            is_one_of_several: false,
        };
        stages.push(Stage { parts, clock, broadcasts, heard, test });
    }
    stages
}

impl Stage {
    pub(crate) fn chat(&self) -> Chat {
        Chat::new(self.parts.clone(), &Settings::default()).unwrap()
    }

    pub(crate) fn unlimited(&self) -> Chat {
        unlimited(self.parts.clone())
    }

    /// The same as one of several processes.
    pub(crate) fn one_of_several(&self) -> Chat {
        unlimited(Parts { is_one_of_several: true, ..self.parts.clone() })
    }

    /// The room's log, whose offsets must be contiguous.
    pub(crate) async fn log(&self) -> Vec<HistoryItem> {
        let mut items = Vec::new();
        loop {
            let page = self.parts.log.read(&room_name(BROADCAST), items.len() as u64 + 1, READ_MAX).await.unwrap();
            if page.is_empty() {
                return items;
            }
            for record in page {
                assert_eq!(record.offset, items.len() as u64 + 1);
                let item: HistoryItem = serde_json::from_slice(&record.data).unwrap();
                assert_eq!(offset(&item), record.offset, "an entry says where it stands");
                items.push(item);
            }
        }
    }
}

fn unlimited(parts: Parts) -> Chat {
    let settings =
        Settings { rate: kernel::Rate::Off.into(), room_rate: kernel::Rate::Off.into(), ..Settings::default() };
    Chat::new(parts, &settings).unwrap()
}

/// The channel of [`HOST`].
pub(crate) const CHANNEL: &str = "person_1";

/// What tests do most, in few words.
impl Chat {
    pub(crate) async fn post(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        text: String,
        client_id: Option<String>,
    ) -> Result<Message, messages::Error> {
        self.messages.post(caller, broadcast, NewMessage { text, client_id, reply_to: None }).await
    }

    pub(crate) async fn history(
        &self,
        broadcast: BroadcastId,
        before_offset: Option<u64>,
        limit: u32,
    ) -> Result<Page<Box<RawValue>>, messages::Error> {
        self.messages.history(broadcast, before_offset, limit).await
    }

    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        message: MessageId,
    ) -> Result<(), messages::Error> {
        self.messages.delete(caller, broadcast, message).await
    }

    pub(crate) async fn time_out(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        account: AccountId,
        seconds: u32,
        reason: Option<String>,
    ) -> Result<Timeout, Error> {
        self.timeouts.time_out(caller, broadcast, account, seconds, reason).await
    }
}

pub(crate) fn offset(item: &HistoryItem) -> u64 {
    match item {
        HistoryItem::Message(message) => message.offset,
        HistoryItem::Deleted(tombstone) => tombstone.offset,
        HistoryItem::MessageDeleted(deletion) => deletion.offset,
        HistoryItem::RoomChanged(changed) => changed.offset,
        HistoryItem::MessagePinned(pinned) => pinned.offset,
        HistoryItem::MessageUnpinned(unpinned) => unpinned.offset,
    }
}

/// A signed-in caller.
pub(crate) fn caller(account: i64) -> Caller {
    let identity = Identity {
        account: AccountId::from_raw(account),
        session: SessionId::from_raw(account),
        handle: format!("person_{account}"),
        display_name: format!("사람 {account}"),
        admin: false,
    };
    Caller { identity: Some(Box::new(identity)), ..anonymous() }
}

pub(crate) fn administrator(account: i64) -> Caller {
    let mut caller = caller(account);
    if let Some(identity) = &mut caller.identity {
        identity.admin = true;
    }
    caller
}

pub(crate) fn anonymous() -> Caller {
    Caller::anonymous(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// One broadcast, open until it is ended.
#[derive(Default)]
pub(crate) struct Broadcasts {
    ended_at: Mutex<Option<Timestamp>>,
}

impl Broadcasts {
    pub(crate) fn end(&self, clock: &ManualClock) {
        *self.ended_at.lock().unwrap() = Some(clock.now());
    }
}

#[async_trait]
impl Rooms for Broadcasts {
    async fn room(&self, broadcast: BroadcastId) -> Result<Option<RoomInfo>, NeedError> {
        let ended_at = *self.ended_at.lock().unwrap();
        Ok((broadcast == BROADCAST).then_some(RoomInfo { host: HOST, open: ended_at.is_none(), ended_at }))
    }

    async fn open_rooms(&self, host: AccountId) -> Result<Vec<BroadcastId>, NeedError> {
        let open = host == HOST && self.ended_at.lock().unwrap().is_none();
        Ok(open.then_some(BROADCAST).into_iter().collect())
    }
}

/// Accounts 1 to 999 exist.
struct Everybody;

#[async_trait]
impl Names for Everybody {
    async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, Name>, NeedError> {
        let name = |account: &AccountId| Name { handle: format!("person_{account}"), display_name: "사람".into() };
        Ok(accounts.iter().filter(|account| account.raw() < 1_000).map(|account| (*account, name(account))).collect())
    }

    async fn by_handle(&self, handle: &str) -> Result<Option<(AccountId, Name)>, NeedError> {
        let handle = handle.to_ascii_lowercase();
        let number = handle.strip_prefix("person_").and_then(|number| number.parse().ok());
        let known = number.filter(|number| (1..1_000).contains(number)).map(AccountId::from_raw);
        Ok(known.map(|account| (account, Name { handle, display_name: "사람".into() })))
    }
}

/// What came over the bus.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Publication>>);

impl Heard {
    pub(crate) fn publications(&self) -> Vec<Publication> {
        self.0.lock().unwrap().clone()
    }
}

impl Listener for Heard {
    fn deliver(&self, _: &str, publications: &[Publication]) {
        self.0.lock().unwrap().extend_from_slice(publications);
    }
}
