//! All gateways of a site that share a bus: who there is, and asking all of them.
//!
//! Each says every second that it is there and how full it is, on a channel of the bus no client can name. Who was not heard
//! for five seconds is not there: a lease per gateway, none per connection, so that a gateway that dies leaves nothing behind
//! to be cleared away. Nothing is kept anywhere.
//!
//! Promise: an order that is answered without an error has reached every gateway that was there, and is carried out by
//! each connection in its turn. An error: some gateway may not have heard it; orders can be given again. A reading (who is
//! subscribed, how many) sums up those that answered in time.
//!
//! Two mistakes are ruled out. A gateway that does not hear its own word does not hear the others' either: it gives no answer
//! for all. And one that begins listens for longer than a second before it serves, so that it knows who else is there.

mod answering;
mod asking;
pub(crate) mod bytes_as_text;
mod present;
#[cfg(test)]
mod tests;
mod word;

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ports::bus::{Bus, BusError, Listener, Movement, Publication};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use asking::Unanswered;
pub use word::Profile;
pub(crate) use word::{Answer, Emulated, Given, Node, Question};

use crate::{Gateway, hub::Hub};
use asking::Pending;
use present::Present;
use word::Word;

/// The bus channel all gateways listen to. No client can name it: it begins with a control character.
const ALL: &str = "\0gateways";
/// How often a gateway says that it is there.
const HELLO_EVERY: Duration = Duration::from_secs(1);
/// Who was not heard for so long is not there.
const LEASE: Duration = Duration::from_secs(5);
/// How long one that begins listens before it serves.
const LISTEN_FIRST: Duration = Duration::from_millis(1_300);
/// Words that wait to be read at the most; more are lost, and asked for again or missed.
const WAITING_MAX: usize = 4_096;

/// Whether a bus channel belongs to the gateways themselves.
pub(crate) fn is_own(channel: &str) -> bool {
    channel.starts_with('\0')
}

/// The gateways of a site, as this one knows them.
pub(crate) struct Fleet {
    /// None: this one is alone.
    shared: Option<Shared>,
}

struct Shared {
    id: String,
    bus: Arc<dyn Bus>,
    present: Mutex<Present>,
    pending: Pending,
    words: mpsc::Sender<Bytes>,
    gateway: OnceLock<Weak<Gateway>>,
    is_draining: AtomicBool,
    has_left: AtomicBool,
}

impl Fleet {
    /// A gateway without others.
    pub(crate) fn alone() -> Self {
        Self { shared: None }
    }

    /// One of several: `id` is its own alone. The second value hears words, see [`Self::run`].
    pub(crate) fn among(id: String, bus: Arc<dyn Bus>) -> (Self, Words) {
        let (words, heard) = mpsc::channel(WAITING_MAX);
        let shared = Shared {
            id,
            bus,
            present: Mutex::default(),
            pending: Pending::default(),
            words,
            gateway: OnceLock::new(),
            is_draining: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
        };
        (Self { shared: Some(shared) }, Words(heard))
    }

    /// Whether there are others.
    pub(crate) fn has_others(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| !shared.others().is_empty())
    }

    /// Gateways that are there, this one among them, and do not drain; the emptiest first.
    pub(crate) fn profiles(&self, gateway: &Gateway) -> Vec<Profile> {
        let own = self.profile(gateway);
        let mut profiles = self.shared.as_ref().map_or_else(Vec::new, |shared| shared.present().profiles());
        profiles.retain(|profile| profile.id != own.id);
        profiles.push(own);
        profiles.retain(|profile| !profile.draining);
        profiles.sort_by(|one, other| one.load().total_cmp(&other.load()));
        profiles
    }

    /// This gateway, as others see it.
    fn profile(&self, gateway: &Gateway) -> Profile {
        match &self.shared {
            None => gateway.profile(false),
            Some(shared) => shared.profile(gateway),
        }
    }

    /// Listens to the others, and says that this one is there. Returns when it knows who else is. Nothing to do when alone.
    pub(crate) async fn join(&self) -> Result<(), BusError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        shared.bus.subscribe(ALL).await?;
        shared.bus.subscribe(&own_channel(&shared.id)).await?;
        tokio::time::sleep(LISTEN_FIRST).await;
        Ok(())
    }

    /// Has the others know that clients should not come here any more.
    pub(crate) async fn drain(&self) {
        let Some(shared) = &self.shared else { return };
        shared.is_draining.store(true, Ordering::Relaxed);
        shared.say_hello().await;
    }

    /// Has the others know that this one is gone.
    pub(crate) async fn leave(&self) {
        let Some(shared) = &self.shared else { return };
        shared.has_left.store(true, Ordering::Relaxed);
        shared.say(ALL, &Word::Bye { id: shared.id.clone() }).await;
    }

    /// Reads words, and says that this gateway is there, until `stop`.
    pub(crate) async fn run(&self, gateway: Weak<Gateway>, mut heard: Words, stop: CancellationToken) {
        let Some(shared) = &self.shared else { return };
        let _ = shared.gateway.set(gateway);
        let mut beat = tokio::time::interval(HELLO_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat.tick() => shared.say_hello().await,
                Some(word) = heard.0.recv() => shared.read(&word).await,
            }
        }
    }
}

/// What a fleet has heard and not read yet.
pub(crate) struct Words(mpsc::Receiver<Bytes>);

/// What one gateway alone listens to.
fn own_channel(id: &str) -> String {
    format!("\0gateway:{id}")
}

impl Shared {
    fn present(&self) -> std::sync::MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of those that are there, without this one.
    fn others(&self) -> Vec<String> {
        let mut ids = self.present().ids();
        ids.retain(|id| *id != self.id);
        ids
    }

    fn profile(&self, gateway: &Gateway) -> Profile {
        gateway.profile(self.is_draining.load(Ordering::Relaxed))
    }

    async fn say_hello(&self) {
        let gateway = self.gateway.get().and_then(Weak::upgrade);
        let Some(gateway) = gateway.filter(|_| !self.has_left.load(Ordering::Relaxed)) else { return };
        let profile = self.profile(&gateway);
        self.say(ALL, &Word::Hello(profile)).await;
    }

    async fn say(&self, channel: &str, word: &Word) {
        // Whoever does not hear it sees that for itself.
        if let Err(error) = self.try_to_say(channel, word).await {
            tracing::debug!(%error, "a word to the other gateways was not sent");
        }
    }

    async fn try_to_say(&self, channel: &str, word: &Word) -> Result<(), BusError> {
        let data = serde_json::to_vec(word).map_err(|error| BusError(error.to_string()))?;
        self.bus.publish(channel, vec![Publication { data: data.into(), ..Publication::default() }]).await
    }

    async fn read(&self, word: &[u8]) {
        match serde_json::from_slice(word) {
            Ok(Word::Hello(profile)) => self.present().heard(profile, Instant::now()),
            Ok(Word::Bye { id }) => self.present().left(&id),
            Ok(Word::Answers { from, number, answer }) => self.pending.take(number, from, answer),
            Ok(Word::Asks { from, number, question }) if from != self.id => self.answer(from, number, question).await,
            Ok(Word::Asks { .. }) => (),
            Err(error) => tracing::warn!(%error, "a word of another gateway was not understood; another version?"),
        }
    }

    async fn answer(&self, asker: String, number: u64, question: Question) {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else { return };
        let answer = gateway.answer(question);
        self.say(&own_channel(&asker), &Word::Answers { from: self.id.clone(), number, answer }).await;
    }
}

/// What a gateway hears from the bus: words of the other gateways, and publications.
pub(crate) struct Ear {
    pub(crate) hub: Arc<Hub>,
    pub(crate) fleet: Arc<Fleet>,
}

impl Listener for Ear {
    fn deliver(&self, channel: &str, publications: &[Publication]) {
        let Some(shared) = self.fleet.shared.as_ref().filter(|_| is_own(channel)) else {
            return self.hub.deliver(channel, publications);
        };
        for publication in publications {
            if shared.words.try_send(publication.data.clone()).is_err() {
                metrics::counter!("madang_gateway_fleet_words_dropped").increment(1);
            }
        }
    }

    fn announce(&self, channel: &str, movements: &[Movement]) {
        self.hub.announce(channel, movements);
    }

    fn interrupted(&self) {
        self.hub.interrupted();
    }
}
