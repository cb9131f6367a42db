//! Hears channels, each on the server it belongs to, wherever that is now.
//!
//! One task holds all subscriptions and sees to it that each stands on its channel's master: it looks once a second who that
//! is and whether it answers, and at once when a connection is lost or a server gives a subscription up. The library's own
//! way to subscribe again loses channels when a replica takes over, and does not say so.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};

use super::{
    connect::{Address, PATIENCE, RedisServers},
    slots::{Owners, slot_of},
};

/// Between two looks at the servers.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries of what failed.
const PAUSE: Duration = Duration::from_millis(250);
/// How long it is tried to hear a channel for whoever asks for it.
const TRIED_FOR: Duration = Duration::from_secs(5);
/// Subscriptions under way at the same time.
const AT_ONCE: usize = 256;
/// Orders taken from the queue at once.
const ORDERS_AT_ONCE: usize = 4_096;

/// Takes what is heard. On the connection's own time: it must return at once.
pub(super) trait Ear: Send + Sync + 'static {
    /// A message on a channel.
    fn hear(&self, channel: &[u8], message: Vec<u8>);
    /// Messages may have been missed; from now on none is.
    fn interrupted(&self);
}

/// What the task is told.
pub(super) enum Order {
    /// To hear a channel; the answer comes when it does, or says why it cannot.
    Hear(String, oneshot::Sender<Result<(), String>>),
    /// To hear it no more; the answer comes when it is not.
    Leave(String, oneshot::Sender<()>),
    /// This connection was lost.
    Lost(u64),
    /// A server ended the subscription to a channel.
    GivenUp(u64, String),
}

/// Begins to hear, until the task is aborted.
pub(super) fn start(
    servers: RedisServers,
    ear: Arc<dyn Ear>,
) -> (mpsc::UnboundedSender<Order>, tokio::task::AbortHandle) {
    let (sender, orders) = mpsc::unbounded_channel();
    let hearing = Hearing {
        servers,
        ear,
        events: sender.clone(),
        owners: Owners::default(),
        nodes: HashMap::new(),
        connections: 0,
        wanted: HashMap::new(),
        goodbyes: Vec::new(),
        back: false,
    };
    (sender, tokio::spawn(hearing.run(orders)).abort_handle())
}

struct Hearing {
    servers: RedisServers,
    ear: Arc<dyn Ear>,
    events: mpsc::UnboundedSender<Order>,
    owners: Owners,
    nodes: HashMap<Address, Node>,
    /// How many were made.
    connections: u64,
    wanted: HashMap<String, Wanted>,
    /// Channels that were left, and on which connection: it says so once more.
    goodbyes: Vec<(u64, String)>,
    /// A channel is heard again that was not for a while.
    back: bool,
}

struct Node {
    number: u64,
    link: MultiplexedConnection,
}

/// A channel that is to be heard.
#[derive(Default)]
struct Wanted {
    /// The connection on which it is.
    on: Option<u64>,
    /// It was heard, and is until it is left.
    held: bool,
    /// Who waits for it, and since when.
    waiting: Vec<(Instant, oneshot::Sender<Result<(), String>>)>,
}

impl Hearing {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut new = Vec::new();
        let mut failure = None;
        loop {
            tokio::select! {
                _ = looks.tick() => self.look().await,
                count = orders.recv_many(&mut new, ORDERS_AT_ONCE) => {
                    debug_assert!(count > 0, "it holds a sender itself");
                    for order in new.drain(..) {
                        self.take(order).await;
                    }
                }
                () = tokio::time::sleep(PAUSE), if failure.is_some() => self.find_owners().await,
            }
            failure = self.subscribe().await.err();
            self.give_up_for(failure.as_deref());
            self.tell_of_gap();
        }
    }

    async fn take(&mut self, order: Order) {
        match order {
            Order::Hear(channel, answer) => {
                let wanted = self.wanted.entry(channel).or_default();
                if wanted.on.is_some() {
                    let _ = answer.send(Ok(()));
                } else {
                    wanted.waiting.push((Instant::now(), answer));
                }
            }
            Order::Leave(channel, answer) => {
                let left = self.wanted.remove(&channel);
                let node = left.and_then(|left| self.nodes.values_mut().find(|node| Some(node.number) == left.on));
                if let Some(Node { number, link }) = node {
                    let number = *number;
                    match redis::cmd("SUNSUBSCRIBE").arg(&channel).exec_async(link).await {
                        Ok(()) => self.goodbyes.push((number, channel)),
                        // Nothing more is to be heard on it; and the next order need not wait for it too.
                        Err(_) => self.forget(number),
                    }
                }
                let _ = answer.send(());
            }
            Order::Lost(number) => self.forget(number),
            Order::GivenUp(number, channel) => {
                if let Some(index) = self.goodbyes.iter().position(|left| *left == (number, channel.clone())) {
                    self.goodbyes.swap_remove(index);
                } else {
                    // Whatever the library was waiting for on this connection, it may take this for the answer.
                    self.forget(number);
                    self.find_owners().await;
                }
            }
        }
    }

    /// Looks whether the servers answer, and who keeps what.
    async fn look(&mut self) {
        let pings = self.nodes.values().map(|Node { number, link }| {
            let (number, mut link) = (*number, link.clone());
            async move { (number, redis::cmd("PING").exec_async(&mut link).await) }
        });
        let pings: Vec<_> = pings.collect();
        for (number, answer) in futures_util::future::join_all(pings).await {
            if answer.is_err() {
                self.forget(number);
            }
        }
        self.find_owners().await;
    }

    async fn find_owners(&mut self) {
        if let Some(address) = self.servers.single() {
            self.owners = Owners::one(address);
            return;
        }
        let known: HashSet<Address> = self.owners.addresses().cloned().chain(self.servers.addresses()).collect();
        for address in known {
            let Ok(node) = self.node(&address).await else { continue };
            let mut link = node.link.clone();
            let answer: RedisResult<Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut link).await;
            if let Ok(owners) = answer.and_then(|answer| Owners::read(&answer, &address)) {
                self.owners = owners;
                break;
            }
        }
        // What stands on a server that is no longer its master is to be subscribed to anew.
        let right = |channel: &str| Some(self.nodes.get(self.owners.of(slot_of(channel))?)?.number);
        for (channel, wanted) in &mut self.wanted {
            if wanted.on.is_some() && wanted.on != right(channel) {
                wanted.on = None;
            }
        }
    }

    /// The connection to a server.
    async fn node(&mut self, address: &Address) -> RedisResult<&Node> {
        if !self.nodes.contains_key(address) {
            self.connections += 1;
            let number = self.connections;
            let link = self.connect(address, number).await?;
            self.nodes.insert(address.clone(), Node { number, link });
        }
        self.nodes.get(address).ok_or_else(|| (redis::ErrorKind::Client, "no connection").into())
    }

    async fn connect(&self, address: &Address, number: u64) -> RedisResult<MultiplexedConnection> {
        let (ear, events) = (self.ear.clone(), self.events.clone());
        let hear = move |told: PushInfo| match (told.kind, <[Value; 2]>::try_from(told.data)) {
            (PushKind::SMessage, Ok([Value::BulkString(channel), Value::BulkString(message)])) => {
                ear.hear(&channel, message);
                Ok(())
            }
            (PushKind::Disconnection, _) => events.send(Order::Lost(number)),
            (PushKind::SUnsubscribe, Ok([Value::BulkString(channel), _])) => {
                events.send(Order::GivenUp(number, String::from_utf8_lossy(&channel).into_owned()))
            }
            _ => Ok(()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_push_sender(hear);
        Client::open(self.servers.at(address)?)?.get_multiplexed_async_connection_with_config(&config).await
    }

    fn forget(&mut self, number: u64) {
        self.nodes.retain(|_, node| node.number != number);
        self.goodbyes.retain(|(on, _)| *on != number);
        for wanted in self.wanted.values_mut().filter(|wanted| wanted.on == Some(number)) {
            wanted.on = None;
        }
    }

    /// Subscribes to whatever is wanted and not heard.
    async fn subscribe(&mut self) -> Result<(), String> {
        let missing = self.wanted.iter().filter(|(_, wanted)| wanted.on.is_none());
        let missing: Vec<(String, Option<Address>)> =
            missing.map(|(channel, _)| (channel.clone(), self.owners.of(slot_of(channel)).cloned())).collect();
        let mut unreachable: HashMap<Address, String> = HashMap::new();
        let mut failure = None;
        let mut calls = Vec::with_capacity(missing.len());
        for (channel, owner) in missing {
            let node = match &owner {
                Some(owner) => match unreachable.get(owner) {
                    Some(error) => Err(error.clone()),
                    None => self.node(owner).await.map_err(|error| error.to_string()),
                },
                None => Err("no server keeps this channel".to_owned()),
            };
            match node {
                Ok(Node { number, link }) => {
                    let (number, mut link) = (*number, link.clone());
                    calls.push(async move {
                        let outcome = redis::cmd("SSUBSCRIBE").arg(&channel).exec_async(&mut link).await;
                        (channel, number, outcome)
                    });
                }
                Err(error) => {
                    unreachable.extend(owner.map(|owner| (owner, error.clone())));
                    failure = Some(error);
                }
            }
        }
        let mut calls = stream::iter(calls).buffer_unordered(AT_ONCE);
        let mut outcomes = Vec::new();
        while let Some(outcome) = calls.next().await {
            outcomes.push(outcome);
        }
        let mut lost = Vec::new();
        for (channel, number, outcome) in outcomes {
            if let Err(error) = outcome {
                if error.is_io_error() || error.is_timeout() {
                    lost.push(number);
                }
                failure = Some(error.to_string());
            } else if let Some(wanted) = self.wanted.get_mut(&channel) {
                self.back |= wanted.held;
                (wanted.on, wanted.held) = (Some(number), true);
                wanted.waiting.drain(..).for_each(|(_, answer)| drop(answer.send(Ok(()))));
            }
        }
        // Behind it: others may have succeeded on a connection that is given up now.
        lost.into_iter().for_each(|number| self.forget(number));
        failure.map_or(Ok(()), Err)
    }

    /// Tells those that have waited long enough that it cannot be done.
    fn give_up_for(&mut self, failure: Option<&str>) {
        let Some(failure) = failure else { return };
        self.wanted.retain(|_, wanted| {
            let over = wanted.waiting.iter().position(|(since, _)| since.elapsed() < TRIED_FOR);
            for (_, answer) in wanted.waiting.drain(..over.unwrap_or(wanted.waiting.len())) {
                let _ = answer.send(Err(failure.to_owned()));
            }
            wanted.held || !wanted.waiting.is_empty()
        });
    }

    fn tell_of_gap(&mut self) {
        // At once for those that are heard again: others may stay away for long.
        if std::mem::take(&mut self.back) {
            metrics::counter!("madang_bus_interruptions_total").increment(1);
            tracing::warn!("the bus was interrupted; what was missed is read from the logs");
            self.ear.interrupted();
        }
    }
}
