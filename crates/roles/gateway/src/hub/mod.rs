//! The channels of this process: hears the bus, keeps each channel's recent publications, wakes its subscribers.
//!
//! Promise: a recoverable channel holds the room log's publications without gap or repetition, in order; what the bus
//! loses or reorders is read from the room log. A publication is written as text once, and that text is shared by all
//! connections. Nothing waits here for a slow connection: each has a cursor, not a queue. A channel that is not
//! recoverable may lose its older publications for readers that are behind. What is redacted is replaced here when the
//! bus tells of it; when the bus may have failed to tell, what is kept is given up and read from the room log.

mod announcer;
mod batches;
mod caretaker;
mod channel;
mod kept_pages;
mod log_reader;
mod member;
mod members;
mod movements;
mod order;
mod pages;
mod passing;
mod ring;
mod round;
mod seat;
mod sent;
#[cfg(test)]
mod tests;
mod waker;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use ports::{
    bus::{Bus, BusError, Listener, Movement, Publication},
    room_log::RoomLogError,
};
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use announcer::Announcer;
pub(crate) use batches::{BATCH_BYTES_MAX, Difference, Form};
pub(crate) use channel::{Channel, Upcoming};
pub(crate) use log_reader::LogReader;
pub(crate) use member::{Calls, Member, ORDERS_MAX, Outlet};
pub(crate) use order::Order;
pub(crate) use pages::Frame;
pub(crate) use ring::Missed;
pub(crate) use round::Round;
pub(crate) use seat::Seat;
pub(crate) use sent::Sent;

use crate::{
    needs::{ChannelRules, Room},
    settings::{PAGE_PUBLICATIONS_MAX, Settings},
};

/// Interests are begun and ended one after the other per stripe, so that the bus hears them in order.
const STRIPES: usize = 64;

/// Why a channel could not be opened.
#[derive(Debug)]
pub(crate) enum HubError {
    Bus(BusError),
    Log(RoomLogError),
}

impl std::fmt::Display for HubError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bus(error) => error.fmt(f),
            Self::Log(error) => error.fmt(f),
        }
    }
}

/// All channels that somebody here listens to.
pub(crate) struct Hub {
    bus: Arc<dyn Bus>,
    log_reads: Arc<Semaphore>,
    limits: ring::Limits,
    channels: RwLock<HashMap<Arc<str>, Arc<Channel>>>,
    stripes: Vec<AsyncMutex<()>>,
    hasher: RandomState,
    dirty: mpsc::UnboundedSender<Arc<Channel>>,
    behind: mpsc::UnboundedSender<Arc<Channel>>,
    announcer: Announcer,
    sent: Sent,
    /// The bus may have failed to tell something.
    interrupted: Notify,
}

impl Hub {
    /// Begins its work, which ends when `stop` is cancelled; it has to be attached to the bus besides. Needs a Tokio runtime.
    pub(crate) fn start(settings: &Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> Arc<Self> {
        let (dirty, dirty_channels) = mpsc::unbounded_channel();
        let (behind, behind_channels) = mpsc::unbounded_channel();
        let (announcer, announced) = Announcer::new();
        let hub = Arc::new(Self {
            bus,
            log_reads: Arc::new(Semaphore::new(settings.log_reads_max.max(1))),
            limits: ring::Limits {
                publications: settings.ring_publications.max(1),
                bytes: settings.ring_bytes.max(1),
                burst_bytes: settings.ring_burst_bytes,
                bursts: ring::Bursts::new(settings.ring_bursts_bytes),
            },
            channels: RwLock::default(),
            stripes: (0..STRIPES).map(|_| AsyncMutex::default()).collect(),
            hasher: RandomState::new(),
            dirty,
            behind,
            announcer,
            sent: Sent::default(),
            interrupted: Notify::new(),
        });
        tokio::spawn(stop.clone().run_until_cancelled_owned(announcer::run(announced, hub.bus.clone())));
        let longest_rest = Duration::from_millis(settings.flush_interval_max_ms);
        tokio::spawn(stop.clone().run_until_cancelled_owned(waker::run(
            dirty_channels,
            longest_rest,
            hub.sent.clone(),
        )));
        let care = caretaker::Caretaker {
            hub: hub.clone(),
            position_check: Duration::from_millis(settings.position_check_ms.max(1)),
            idle: Duration::from_millis(settings.channel_idle_ms),
        };
        tokio::spawn(stop.run_until_cancelled_owned(care.run(behind_channels)));
        hub
    }

    /// Reads a room.
    pub(crate) fn log(&self, room: Room) -> LogReader {
        LogReader::new(room, self.log_reads.clone())
    }

    /// The channel, when somebody here listens to it.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Channel>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The number of the next publication of a channel this process listens to.
    pub(crate) fn next_of(&self, name: &str) -> Option<u64> {
        self.find(name).filter(|channel| channel.is_open()).map(|channel| channel.next())
    }

    /// Takes a seat in a channel for `member`; the first one makes this process listen to it.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        name: &str,
        rules: &Arc<ChannelRules>,
        member: &Arc<Member>,
    ) -> Result<Seat, HubError> {
        if let Some(seat) = self.seat(name, rules, member) {
            return Ok(seat);
        }
        let _stripe = self.stripe(name).lock().await;
        if let Some(seat) = self.seat(name, rules, member) {
            return Ok(seat);
        }
        let channel = self.insert(name, rules.room.as_ref());
        self.bus.subscribe(name).await.map_err(HubError::Bus)?;
        if let Some(log) = channel.log() {
            // From here on everything published is heard; what came before is in the log.
            let past = channel.past_changes();
            let head = log.head().await.map_err(HubError::Log)?;
            let kept = self.limits.publications.min(PAGE_PUBLICATIONS_MAX) as u64;
            let from = head.next.saturating_sub(kept).max(1);
            let recent = match head.next - from {
                0 => Vec::new(),
                count => log.read(from, count as usize).await.map_err(HubError::Log)?,
            };
            channel.open(&head, from, &recent, past);
            self.attend(&channel);
        } else {
            channel.open_passing();
        }
        let seat = self.take_seat(&channel, rules, member);
        // With the seat taken, so that a repair that found nobody here is begun again.
        self.mend(&channel);
        Ok(seat)
    }

    /// The rules, as those who came before hold them: most subscribers of a channel have the same.
    pub(crate) fn share(&self, name: &str, rules: ChannelRules) -> Arc<ChannelRules> {
        match self.find(name) {
            Some(channel) => channel.share(rules),
            None => Arc::new(rules),
        }
    }

    /// Says that the channel's log goes on to `next`: what is missing here is read from it.
    pub(crate) fn heard(&self, channel: &Arc<Channel>, next: u64) {
        channel.heard(next);
        self.mend(channel);
    }

    /// A seat in a channel that is open already. Taken under the lock of the map, so that the channel cannot be given up
    /// in between.
    fn seat(&self, name: &str, rules: &Arc<ChannelRules>, member: &Arc<Member>) -> Option<Seat> {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.get(name).filter(|channel| channel.is_open())?;
        let seat = self.take_seat(channel, rules, member);
        // With the seat taken, so that a repair that found nobody here is begun again.
        self.mend(channel);
        Some(seat)
    }

    fn take_seat(&self, channel: &Arc<Channel>, rules: &Arc<ChannelRules>, member: &Arc<Member>) -> Seat {
        Seat::take(channel.clone(), member.clone(), rules.clone(), self.announcer.clone())
    }

    fn insert(&self, name: &str, room: Option<&Room>) -> Arc<Channel> {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(name) {
            return channel.clone();
        }
        let channel = Arc::new(Channel::new(name, room.map(|room| self.log(room.clone())), self.limits.clone()));
        channels.insert(channel.name().clone(), channel.clone());
        channel
    }

    pub(crate) fn all(&self) -> Vec<Arc<Channel>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn remove_if_idle(&self, channel: &Arc<Channel>, idle: Duration) -> bool {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let idle = channel.is_idle(idle);
        if idle {
            channels.remove(channel.name());
        }
        idle
    }

    fn stripe(&self, name: &str) -> &AsyncMutex<()> {
        let index = self.hasher.hash_one(name) as usize % STRIPES;
        &self.stripes[index]
    }

    /// Sees to it that the channel's subscribers are woken, and that its gaps are filled.
    fn attend(&self, channel: &Arc<Channel>) {
        // This queue and the other hold a channel at most once; their receivers live as long as the gateway.
        if channel.became_dirty() && !waker::tell_few(channel, &self.sent) {
            let _ = self.dirty.send(channel.clone());
        }
        self.mend(channel);
    }

    fn mend(&self, channel: &Arc<Channel>) {
        if channel.fell_behind() {
            let _ = self.behind.send(channel.clone());
        }
    }
}

impl Listener for Hub {
    fn deliver(&self, channel: &str, publications: &[Publication]) {
        if let Some(channel) = self.find(channel) {
            channel.take(publications);
            self.attend(&channel);
        }
    }

    fn announce(&self, channel: &str, movements: &[Movement]) {
        if let Some(channel) = self.find(channel) {
            channel.moved(movements);
            self.attend(&channel);
        }
    }

    fn interrupted(&self) {
        self.interrupted.notify_one();
    }
}
