//! The sequencers of the rooms in use: started by the first draft, gone when a room falls silent.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ports::{bus::Bus, room_log::RoomLog};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Draft, Error, Placed,
    batch::{Answer, Batch},
    group::{BYTES_MAX, ENTRIES_MAX, Group},
    sequencer::{Sequencer, Witnesses},
};

/// Rooms in use at once.
const ROOMS_MAX: usize = 100_000;
/// Drafts that wait in one room.
const DRAFTS_WAITING_MAX: usize = 32_768;
/// Bytes of drafts that wait in all rooms.
const BYTES_WAITING_MAX: usize = 128 << 20;
/// A sequencer goes away when its room was silent for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// Writes into the rooms of one log.
pub struct Sequencers {
    log: Arc<dyn RoomLog>,
    bus: Arc<dyn Bus>,
    silence: Duration,
    witnesses: Arc<Witnesses>,
    rooms: Arc<Rooms>,
}

type Running = HashMap<Arc<str>, Queue>;

#[derive(Default)]
struct Rooms {
    running: Mutex<Running>,
    bytes_waiting: AtomicUsize,
}

struct Queue {
    batches: mpsc::UnboundedSender<Batch>,
    drafts_waiting: Arc<AtomicUsize>,
}

impl Sequencers {
    /// The sequencers of `log`; what they keep is published on `bus`, on the channel that is called as the room. `seed` has to
    /// differ between processes: a random number.
    pub fn new(log: Arc<dyn RoomLog>, bus: Arc<dyn Bus>, seed: u64) -> Self {
        Self { log, bus, silence: SILENCE, witnesses: Arc::new(Witnesses::new(seed)), rooms: Arc::default() }
    }

    /// The same, for rooms whose sequencers go away after `silence`.
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Waits until the draft is placed. A caller that stops waiting takes nothing back.
    pub async fn place(&self, room: &str, draft: Draft) -> Result<Placed, Error> {
        self.place_all(room, vec![draft]).await.pop().unwrap_or_else(|| Err(stopped()))
    }

    /// Waits until all drafts are placed, in their order; one answer for each. Drafts that come together are kept together
    /// when they fit into one group of the log.
    pub async fn place_all(&self, room: &str, drafts: Vec<Draft>) -> Vec<Result<Placed, Error>> {
        let count = drafts.len();
        if count == 0 {
            return Vec::new();
        }
        let outcome = match self.submit(room, drafts) {
            Ok(answered) => answered.await.map_err(|_| stopped()),
            Err(error) => Err(error),
        };
        outcome.unwrap_or_else(|error| vec![Err(error); count])
    }

    /// The number of rooms in use.
    pub fn rooms(&self) -> usize {
        self.rooms.lock().len()
    }

    fn submit(&self, room: &str, drafts: Vec<Draft>) -> Result<oneshot::Receiver<Vec<Answer>>, Error> {
        let (answers, answered) = oneshot::channel();
        let weight: usize = drafts.iter().map(Draft::weight).sum();
        // Held while sending: a sequencer that goes away looks at its queue under the same lock.
        let mut running = self.rooms.lock();
        let queue = match running.get(room) {
            Some(queue) if !queue.batches.is_closed() => queue,
            _ if running.len() >= ROOMS_MAX => {
                return Err(Error::Busy(format!("{ROOMS_MAX} rooms are in use, which is the limit")));
            }
            _ => {
                let room: Arc<str> = room.into();
                running.insert(room.clone(), self.start(room.clone()));
                metrics::gauge!("madang_rooms_in_use").set(running.len() as f64);
                running.get(&room).ok_or_else(stopped)?
            }
        };
        // Under the lock they only grow here; a sequencer makes them smaller at any time.
        if queue.drafts_waiting.load(Ordering::Relaxed) + drafts.len() > DRAFTS_WAITING_MAX {
            return Err(Error::Busy(format!("{DRAFTS_WAITING_MAX} messages wait in this room, which is the limit")));
        }
        if self.rooms.bytes_waiting.load(Ordering::Relaxed) + weight > BYTES_WAITING_MAX {
            return Err(Error::Busy(format!("messages of {BYTES_WAITING_MAX} bytes wait, which is the limit")));
        }
        queue.drafts_waiting.fetch_add(drafts.len(), Ordering::Relaxed);
        self.rooms.bytes_waiting.fetch_add(weight, Ordering::Relaxed);
        queue.batches.send(Batch { drafts, answers }).map_err(|_| stopped())?;
        Ok(answered)
    }

    fn start(&self, room: Arc<str>) -> Queue {
        let (batches, waiting) = mpsc::unbounded_channel();
        let drafts_waiting = Arc::new(AtomicUsize::new(0));
        let sequencer = Sequencer::new(room.clone(), self.log.clone(), self.bus.clone(), self.witnesses.clone());
        let runner = Runner {
            room,
            silence: self.silence,
            rooms: Arc::downgrade(&self.rooms),
            batches: waiting,
            drafts_waiting: drafts_waiting.clone(),
            next: None,
        };
        tokio::spawn(runner.run(sequencer));
        Queue { batches, drafts_waiting }
    }
}

impl Rooms {
    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stopped() -> Error {
    Error::Unknown("the room's sequencer was stopped".into())
}

/// Feeds a sequencer with what waits.
struct Runner {
    room: Arc<str>,
    silence: Duration,
    rooms: Weak<Rooms>,
    batches: mpsc::UnboundedReceiver<Batch>,
    drafts_waiting: Arc<AtomicUsize>,
    /// A batch that did not fit into the last group.
    next: Option<Batch>,
}

impl Runner {
    /// Ends when the room falls silent, or when nobody is left to write and everything that waited is answered.
    async fn run(mut self, mut sequencer: Sequencer) {
        loop {
            match tokio::time::timeout(self.silence, self.gather()).await {
                Ok(Some(group)) => sequencer.sequence(group).await,
                Ok(None) => return,
                Err(_) => {
                    let Some(rooms) = self.rooms.upgrade() else { return };
                    let mut running = rooms.lock();
                    if self.batches.is_empty() {
                        running.remove(&self.room);
                        metrics::gauge!("madang_rooms_in_use").set(running.len() as f64);
                        return;
                    }
                }
            }
        }
    }

    /// What waits, about as much as one append takes. Loses nothing when it is dropped: it takes before it waits no more.
    async fn gather(&mut self) -> Option<Group> {
        let first = match self.next.take() {
            Some(batch) => batch,
            None => self.batches.recv().await?,
        };
        let (mut count, mut weight) = measure(&first);
        let mut group = Group::default();
        group.add(first);
        while let Ok(batch) = self.batches.try_recv() {
            let (more, heavier) = measure(&batch);
            if count + more > ENTRIES_MAX || weight + heavier > BYTES_MAX {
                self.next = Some(batch);
                break;
            }
            group.add(batch);
            (count, weight) = (count + more, weight + heavier);
        }
        self.drafts_waiting.fetch_sub(count, Ordering::Relaxed);
        if let Some(rooms) = self.rooms.upgrade() {
            rooms.bytes_waiting.fetch_sub(weight, Ordering::Relaxed);
        }
        Some(group)
    }
}

impl Drop for Runner {
    /// What was left behind waits no more.
    fn drop(&mut self) {
        let Some(rooms) = self.rooms.upgrade() else { return };
        self.batches.close();
        let left = self.next.take().into_iter().chain(std::iter::from_fn(|| self.batches.try_recv().ok()));
        let weight: usize = left.map(|batch| measure(&batch).1).sum();
        rooms.bytes_waiting.fetch_sub(weight, Ordering::Relaxed);
    }
}

fn measure(batch: &Batch) -> (usize, usize) {
    (batch.drafts.len(), batch.drafts.iter().map(Draft::weight).sum())
}
