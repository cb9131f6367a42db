//! All gateways of a site that share a bus: who there is, and asking all of them.
//!
//! Each says every second that it is there and how full it is, on a channel of the bus no client can name. Who was not heard
//! for five seconds is not there: a lease per gateway, none per connection, so that a gateway that dies leaves nothing behind
//! to be cleared away. Nothing is kept anywhere.
//!
//! Promise: an order that is answered without an error has reached every gateway that was there, and is carried out by
//! each connection in its turn. An error: some gateway may not have heard it; orders can be given again. A gateway that is
//! cut off for longer than its lease is taken for dead: orders are answered without it, and its clients do not hear of them.
//! A reading (who is subscribed, how many) sums up those that answered in time.
//!
//! Two mistakes are ruled out. A gateway that does not hear its own word does not hear the others' either: it gives no answer
//! for all, and says that it is not ready. And one that begins hears itself before it serves, and so knows who else is there.

mod all;
mod answering;
mod asking;
mod moving;
mod present;
mod recent;
#[cfg(test)]
mod tests;
mod word;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use ports::bus::{Bus, BusError, Listener, Movement, Publication};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

pub(crate) use asking::Unanswered;
pub use moving::NotMoved;
pub use word::Profile;
pub(crate) use word::{Answer, Emulated, Given, Node, Question, Users};

use crate::{Gateway, hub::Hub};
use asking::Pending;
use present::Present;
use recent::Recent;
use word::{Asked, Word};

/// The bus channel all gateways listen to. No client can name it: it begins with a control character.
const ALL: &str = "\0gateways";
/// How often a gateway says that it is there.
const HELLO_EVERY: Duration = Duration::from_secs(1);
/// Who was not heard for so long is not there.
const LEASE: Duration = Duration::from_secs(5);
/// How long one that begins listens before it serves.
const LISTEN_FIRST: Duration = Duration::from_millis(1_300);
/// Questions that wait to be answered at the most; more are not answered. The largest is a frame of a client, 90 KB.
const QUESTIONS_MAX: usize = 256;
/// Questions that are answered at the same time.
const ANSWERED_AT_ONCE: usize = 16;
/// Frames of clients that are handed to other gateways at the same time.
const FRAMES_AT_ONCE: usize = 64;

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
    recent: Recent,
    frames: Semaphore,
    questions: mpsc::Sender<Asked>,
    gateway: OnceLock<Weak<Gateway>>,
    /// It hears the others.
    listens: CancellationToken,
    is_draining: AtomicBool,
    has_left: AtomicBool,
}

impl Fleet {
    /// A gateway without others.
    pub(crate) fn alone() -> Self {
        Self { shared: None }
    }

    /// One of several: `id` is its own alone. The second value is what it is asked, see [`Self::run`].
    pub(crate) fn among(id: String, bus: Arc<dyn Bus>) -> (Self, Questions) {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let shared = Shared {
            id,
            bus,
            present: Mutex::default(),
            pending: Pending::default(),
            recent: Recent::default(),
            frames: Semaphore::new(FRAMES_AT_ONCE),
            questions,
            gateway: OnceLock::new(),
            listens: CancellationToken::new(),
            is_draining: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
        };
        (Self { shared: Some(shared) }, Questions(asked))
    }

    /// Whether there are others that clients can go to.
    pub(crate) fn has_others(&self) -> bool {
        let Some(shared) = &self.shared else { return false };
        shared.present().profiles().iter().any(|profile| profile.id != shared.id && !profile.draining)
    }

    /// Whether this one hears the others; always when it is alone.
    pub(crate) fn hears(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.present().is_there(&shared.id))
    }

    /// Whether it sends its clients elsewhere.
    pub(crate) fn is_draining(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_draining.load(Ordering::Relaxed))
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
        gateway.profile(self.is_draining())
    }

    /// Listens to the others, and says that this one is there. Returns when it has heard itself, and whoever else is there.
    /// Nothing to do when alone.
    pub(crate) async fn join(&self) -> Result<(), BusError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        shared.bus.subscribe(ALL).await?;
        shared.bus.subscribe(&own_channel(&shared.id)).await?;
        shared.listens.cancel();
        let begun = Instant::now();
        sleep(LISTEN_FIRST).await;
        while !self.hears() {
            if begun.elapsed() > 2 * LEASE {
                return Err(BusError("it does not bring back what is sent".into()));
            }
            sleep(HELLO_EVERY).await;
        }
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

    /// Answers questions, and says that this gateway is there, until `stop`.
    pub(crate) async fn run(&self, gateway: Weak<Gateway>, asked: Questions, stop: CancellationToken) {
        let Some(shared) = &self.shared else { return };
        let _ = shared.gateway.set(gateway);
        let all = async { tokio::join!(shared.beat(), shared.answer_all(asked)) };
        stop.run_until_cancelled(all).await;
    }
}

/// What a gateway was asked and has not answered yet.
pub(crate) struct Questions(mpsc::Receiver<Asked>);

/// What one gateway alone listens to.
fn own_channel(id: &str) -> String {
    format!("\0gateway:{id}")
}

impl Shared {
    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of those that are there, without this one.
    fn others(&self) -> Vec<String> {
        let mut ids = self.present().ids();
        ids.retain(|id| *id != self.id);
        ids
    }

    /// Says every second that it is there, once it hears what is asked of it.
    async fn beat(&self) {
        self.listens.cancelled().await;
        let mut beat = interval(HELLO_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            beat.tick().await;
            self.say_hello().await;
            metrics::gauge!("madang_gateway_fleet_gateways").set(self.present().ids().len() as f64);
        }
    }

    async fn say_hello(&self) {
        let gateway = self.gateway.get().and_then(Weak::upgrade);
        let Some(gateway) = gateway.filter(|_| !self.has_left.load(Ordering::Relaxed)) else { return };
        let profile = gateway.profile(self.is_draining.load(Ordering::Relaxed));
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

    /// Reads a word as it comes: who is there must not wait behind what is asked.
    fn read(&self, word: &[u8]) {
        match serde_json::from_slice(word) {
            Ok(Word::Hello(profile)) => self.meet(profile),
            Ok(Word::Bye { id }) => self.present().left(&id),
            Ok(Word::Answers { from, number, answer }) => self.pending.take(number, from, answer),
            Ok(Word::Asks(asked)) if asked.from != self.id => {
                if self.questions.try_send(asked).is_err() {
                    metrics::counter!("madang_gateway_fleet_questions_dropped_total").increment(1);
                }
            }
            Ok(Word::Asks(_)) => (),
            Err(error) => tracing::warn!(%error, "a word of another gateway was not understood; another version?"),
        }
    }

    fn meet(&self, profile: Profile) {
        let gateway = self.gateway.get().and_then(Weak::upgrade);
        let own = gateway.map(|gateway| gateway.profile(false));
        let is_strange = own.is_some_and(|own| own.settings != profile.settings);
        let (id, url) = (profile.id.clone(), profile.url.clone());
        let is_new = self.present().heard(profile, Instant::now());
        if is_new && is_strange {
            tracing::warn!(id, url, "a gateway on the same bus has other settings, or belongs to another site");
        }
    }

    async fn answer_all(&self, Questions(mut asked): Questions) {
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(one) = asked.recv(), if under_way.len() < ANSWERED_AT_ONCE => under_way.push(self.answer(one)),
                Some(()) = under_way.next() => {}
                else => return,
            }
        }
    }

    async fn answer(&self, Asked { from, number, question }: Asked) {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else { return };
        // What another version asks and this one does not know is answered, too.
        let answer = serde_json::from_str(question.get()).map_or(Answer::Unknown, |question| gateway.answer(question));
        self.say(&own_channel(&from), &Word::Answers { from: self.id.clone(), number, answer: answer.bounded() }).await;
    }
}

/// What a gateway hears from the bus: words of the other gateways, and publications.
pub(crate) struct Ear {
    pub(crate) hub: Arc<Hub>,
    pub(crate) fleet: Arc<Fleet>,
}

impl Listener for Ear {
    fn deliver(&self, channel: &str, publications: &[Publication]) {
        match self.fleet.shared.as_ref().filter(|_| is_own(channel)) {
            Some(shared) => publications.iter().for_each(|publication| shared.read(&publication.data)),
            None => self.hub.deliver(channel, publications),
        }
    }

    fn announce(&self, channel: &str, movements: &[Movement]) {
        self.hub.announce(channel, movements);
    }

    fn interrupted(&self) {
        self.hub.interrupted();
    }
}
