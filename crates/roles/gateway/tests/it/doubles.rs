//! Doubles: a room log in memory, a bus that can lose and swap, and channels with simple rules.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::{
    needs::{
        ChannelRules, Channels, Client, ClientError, ConnectRequest, Connected, Connector, Proof, Refreshed, Refused,
        Room, SubscribeRequest, SubscriptionRefreshed,
    },
    protocol::codes,
};
use kernel::{AccountId, Caller, Clock, Identity, SessionId, Timestamp};
use ports::{
    about::About,
    bus::{Bus, BusError, Listener, Movement, Position, Publication},
    room_log::{Appended, Entry, Head, Record, Redaction, RoomLog, RoomLogError},
};

/// All rooms in memory.
#[derive(Default)]
pub(crate) struct MemoryLog {
    rooms: Mutex<HashMap<String, Vec<Record>>>,
    pub(crate) epoch: Mutex<String>,
    pub(crate) failing: AtomicBool,
    pub(crate) reads: AtomicUsize,
}

impl MemoryLog {
    /// Appends and returns the offset.
    pub(crate) fn add(&self, room: &str, data: &str) -> u64 {
        self.add_bytes(room, Bytes::copy_from_slice(data.as_bytes()), None)
    }

    /// The same with any bytes, and what is told about them.
    pub(crate) fn add_bytes(&self, room: &str, data: Bytes, about: Option<Arc<About>>) -> u64 {
        let mut rooms = self.rooms.lock().unwrap();
        let records = rooms.entry(room.into()).or_default();
        let offset = records.last().map_or(1, |record| record.offset + 1);
        records.push(Record { offset, at: Timestamp::from_millis(0), data, about });
        offset
    }

    /// Puts `data` in the place of what stands at `offset`.
    pub(crate) fn redact(&self, room: &str, offset: u64, data: &str) {
        let mut rooms = self.rooms.lock().unwrap();
        let record = rooms.get_mut(room).unwrap().iter_mut().find(|record| record.offset == offset).unwrap();
        record.data = Bytes::copy_from_slice(data.as_bytes());
    }

    /// The offset of what is added next.
    pub(crate) fn next(&self, room: &str) -> u64 {
        let rooms = self.rooms.lock().unwrap();
        rooms.get(room).and_then(|records| records.last()).map_or(1, |record| record.offset + 1)
    }

    /// Forgets everything before `offset`.
    pub(crate) fn trim(&self, room: &str, offset: u64) {
        self.rooms.lock().unwrap().entry(room.into()).or_default().retain(|record| record.offset >= offset);
    }

    /// Begins another history.
    pub(crate) fn reset(&self, room: &str, epoch: &str) {
        self.rooms.lock().unwrap().remove(room);
        *self.epoch.lock().unwrap() = epoch.into();
    }

    pub(crate) fn epoch(&self) -> String {
        format!("e{}", self.epoch.lock().unwrap())
    }

    fn answer(&self) -> Result<(), RoomLogError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.failing.load(Ordering::Relaxed) { Err(RoomLogError::Engine("down".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl RoomLog for MemoryLog {
    async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        self.answer()?;
        let rooms = self.rooms.lock().unwrap();
        let next = rooms.get(room).and_then(|records| records.last()).map_or(1, |record| record.offset + 1);
        Ok(Head { epoch: self.epoch(), next })
    }

    async fn append(&self, room: &str, _: &str, _: u64, group: Vec<Entry>) -> Result<Appended, RoomLogError> {
        for entry in group {
            self.add(room, std::str::from_utf8(&entry.data).unwrap());
        }
        Ok(Appended::Ok)
    }

    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        self.answer()?;
        tokio::task::yield_now().await;
        let rooms = self.rooms.lock().unwrap();
        let records = rooms.get(room).map(Vec::as_slice).unwrap_or_default();
        Ok(records.iter().filter(|record| record.offset >= from).take(limit).cloned().collect())
    }

    async fn offsets_of(&self, _: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        Ok(vec![None; keys.len()])
    }
}

/// Hands publications to the listener, unless it is told to lose them.
#[derive(Default)]
pub(crate) struct TestBus {
    listener: Mutex<Option<Arc<dyn Listener>>>,
    pub(crate) channels: Mutex<HashSet<String>>,
    pub(crate) losing: AtomicBool,
}

impl TestBus {
    pub(crate) fn deliver(&self, channel: &str, publications: &[Publication]) {
        let listened_to = self.channels.lock().unwrap().contains(channel);
        let listener = self.listener.lock().unwrap().clone();
        if let Some(listener) = listener.filter(|_| listened_to && !self.losing.load(Ordering::Relaxed)) {
            listener.deliver(channel, publications);
        }
    }
}

#[async_trait]
impl Bus for TestBus {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        self.deliver(channel, &publications);
        Ok(())
    }
    async fn announce(&self, channel: &str, movements: Vec<Movement>) -> Result<(), BusError> {
        let listened_to = self.channels.lock().unwrap().contains(channel);
        let listener = self.listener.lock().unwrap().clone();
        if let Some(listener) = listener.filter(|_| listened_to && !self.losing.load(Ordering::Relaxed)) {
            listener.announce(channel, &movements);
        }
        Ok(())
    }
    fn attach(&self, listener: Arc<dyn Listener>) {
        *self.listener.lock().unwrap() = Some(listener);
    }
    async fn subscribe(&self, channel: &str) -> Result<(), BusError> {
        tokio::task::yield_now().await;
        self.channels.lock().unwrap().insert(channel.into());
        Ok(())
    }
    async fn unsubscribe(&self, channel: &str) {
        self.channels.lock().unwrap().remove(channel);
    }
}

/// `room:*` is kept, `live:*` is not and greets with its state, `secret:*` is nobody's, anything else is unknown.
/// Publishing needs an account. The method `echo` answers with its data.
pub(crate) struct World {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) bus: Arc<TestBus>,
    pub(crate) state: Mutex<String>,
    pub(crate) opened: AtomicUsize,
    /// What channels offer for which the rules above are not enough.
    pub(crate) rules: Mutex<HashMap<String, ChannelRules>>,
    /// What tokens of subscriptions bring.
    pub(crate) refreshes: Mutex<HashMap<String, SubscriptionRefreshed>>,
    /// Messages clients sent.
    pub(crate) sent: Mutex<Vec<Bytes>>,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            log: Arc::default(),
            bus: Arc::default(),
            state: Mutex::new("{\"n\":0}".into()),
            opened: AtomicUsize::new(0),
            rules: Mutex::default(),
            refreshes: Mutex::default(),
            sent: Mutex::default(),
        })
    }

    /// Appends to the room's log, then publishes.
    pub(crate) fn publish(&self, channel: &str, data: &str) -> u64 {
        let offset = self.log.add(channel, data);
        self.bus.deliver(channel, &[self.publication(offset, data)]);
        offset
    }

    /// The same with any bytes, and what is told about them.
    pub(crate) fn publish_bytes(&self, channel: &str, data: Bytes, about: Option<Arc<About>>) -> u64 {
        let offset = self.log.add_bytes(channel, data.clone(), about.clone());
        let position = Some(Position { offset, epoch: self.log.epoch().into() });
        self.bus.deliver(channel, &[Publication { position, data, redacts: None, about }]);
        offset
    }

    /// What a channel offers that is kept in the log, with these changes.
    pub(crate) fn offer(&self, channel: &str, change: impl FnOnce(ChannelRules) -> ChannelRules) {
        let kept = ChannelRules::kept(Room::new(self.log.clone(), channel));
        let rules = change(ChannelRules { presence: true, ..kept });
        self.rules.lock().unwrap().insert(channel.into(), rules);
    }

    /// Puts `gone` in the place of what was published at `offset`, then says so.
    pub(crate) fn redact(&self, channel: &str, offset: u64) {
        let redaction = self.redaction(channel, offset);
        self.bus.deliver(channel, &[redaction]);
    }

    /// Redacts in the log only; the publication that tells of it.
    pub(crate) fn redaction(&self, channel: &str, offset: u64) -> Publication {
        self.log.redact(channel, offset, "\"gone\"");
        let own = self.log.add(channel, "\"redaction\"");
        let redacts = Some(Redaction { offset, replacement: "\"gone\"".into() });
        Publication { redacts, ..self.publication(own, "\"redaction\"") }
    }

    pub(crate) fn publication(&self, offset: u64, data: &str) -> Publication {
        let position = Position { offset, epoch: self.log.epoch().into() };
        Publication {
            position: Some(position),
            data: Bytes::copy_from_slice(data.as_bytes()),
            ..Publication::default()
        }
    }

    /// Publishes without keeping.
    pub(crate) fn pass(&self, channel: &str, data: &str) {
        *self.state.lock().unwrap() = data.into();
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.bus.deliver(channel, &[Publication { data, ..Publication::default() }]);
    }
}

#[async_trait]
impl Channels for World {
    async fn open(&self, _: &Client, request: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        if let Some(rules) = self.rules.lock().unwrap().get(&request.channel) {
            return Ok(rules.clone());
        }
        match request.channel.split_once(':').map(|(kind, _)| kind) {
            Some("room") => {
                let room = Room::new(self.log.clone(), &request.channel);
                Ok(ChannelRules { presence: true, ..ChannelRules::kept(room) })
            }
            Some("live") => {
                let data = Some(Bytes::from(self.state.lock().unwrap().clone()));
                Ok(ChannelRules { data, ..ChannelRules::default() })
            }
            Some("secret") => Err(codes::PERMISSION_DENIED.into()),
            _ => Err(codes::UNKNOWN_CHANNEL.into()),
        }
    }

    async fn publish(
        &self,
        client: &Client,
        channel: &str,
        _: Option<&ChannelRules>,
        data: Bytes,
    ) -> Result<(), ClientError> {
        if client.caller.identity.is_none() {
            return Err(codes::UNAUTHORIZED.into());
        }
        // Takes a while, as something durable does.
        tokio::task::yield_now().await;
        self.publish_bytes(channel, data, None);
        Ok(())
    }

    async fn refresh(&self, _: &Client, _: &str, token: &str) -> Result<SubscriptionRefreshed, ClientError> {
        self.refreshes.lock().unwrap().get(token).cloned().ok_or(codes::NOT_AVAILABLE.into())
    }

    async fn send(&self, _: &Client, data: Bytes) {
        self.sent.lock().unwrap().push(data);
    }

    async fn rpc(&self, _: &Client, method: &str, data: Bytes) -> Result<Bytes, ClientError> {
        match method {
            "echo" => Ok(data),
            "hang" => std::future::pending().await,
            _ => Err(ClientError::because(codes::METHOD_NOT_FOUND, format!("no method {method:?}"))),
        }
    }
}

/// A token is the number of an account; `expired` and `down` are what they say; anything else is invalid. A cookie that
/// is not good any more is none.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) revoked: Mutex<HashSet<String>>,
    pub(crate) failing: AtomicBool,
    pub(crate) asked: AtomicUsize,
    /// Clients that are let in by a token, as the test has it.
    pub(crate) let_in: Mutex<HashMap<String, Connected>>,
    /// What new tokens bring.
    pub(crate) refreshes: Mutex<HashMap<String, Refreshed>>,
    /// What clients sent to connect.
    pub(crate) requests: Mutex<Vec<ConnectRequest>>,
}

#[async_trait]
impl Connector for Tokens {
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused> {
        self.requests.lock().unwrap().push(request.clone());
        let let_in = request.proof.token.as_ref().and_then(|token| self.let_in.lock().unwrap().get(token).cloned());
        match let_in {
            Some(connected) => Ok(connected),
            None => self.still(&request.proof, request.address).await.map(Connected::new),
        }
    }

    async fn refresh(&self, _: &Client, token: &str) -> Result<Refreshed, Refused> {
        match token {
            "expired" => Err(Refused::TokenExpired),
            "forged" => Err(Refused::InvalidToken),
            _ => self.refreshes.lock().unwrap().get(token).cloned().ok_or(Refused::Error(codes::NOT_AVAILABLE.into())),
        }
    }

    async fn still(&self, proof: &Proof, address: IpAddr) -> Result<Caller, Refused> {
        let (token, cookie) = (proof.token.as_deref(), proof.cookie.as_deref());
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.failing.load(Ordering::Relaxed) {
            return Err(Refused::Unavailable);
        }
        let revoked = self.revoked.lock().unwrap();
        let Some(token) = token.or(cookie.filter(|cookie| !revoked.contains(*cookie))) else {
            return Ok(Caller::anonymous(address));
        };
        if revoked.contains(token) {
            return Err(Refused::InvalidToken);
        }
        match token {
            "expired" => return Err(Refused::TokenExpired),
            "down" => return Err(Refused::Unavailable),
            _ => {}
        }
        let account: AccountId = token.parse().map_err(|_| Refused::InvalidToken)?;
        let identity = Identity {
            account,
            session: SessionId::from_raw(1),
            handle: format!("person{token}"),
            display_name: token.into(),
            admin: false,
        };
        Ok(Caller { identity: Some(Box::new(identity)), address })
    }
}

/// The same moment, until it is moved.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_767_225_600_007)))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}
