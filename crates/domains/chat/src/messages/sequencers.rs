//! The sequencers of the rooms in use: started by the first message, gone when a room falls silent.
//!
//! Bounded: 10,000 rooms, and 1,024 messages that wait per room; beyond, the sender is told to try again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use ports::{bus::Bus, room_log::RoomLog};
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::sequencer::{GROUP_MAX, Job, Placed, Sequencer};

/// Rooms in use at once.
const ROOMS_MAX: usize = 10_000;
/// Messages that wait in one room.
const WAITING_MAX: usize = 1_024;

type Queues = Mutex<HashMap<String, mpsc::Sender<Job>>>;

pub(super) struct Sequencers {
    log: Arc<dyn RoomLog>,
    bus: Arc<dyn Bus>,
    silence: Duration,
    queues: Arc<Queues>,
}

impl Sequencers {
    /// Sequencers that go away after `silence`.
    pub(super) fn new(log: Arc<dyn RoomLog>, bus: Arc<dyn Bus>, silence: Duration) -> Self {
        Self { log, bus, silence, queues: Arc::default() }
    }

    /// Hands a job to the room's sequencer and waits until it is placed. A caller that stops waiting takes nothing back.
    pub(super) async fn place(
        &self,
        room: &str,
        job: impl FnOnce(oneshot::Sender<Result<Placed, Error>>) -> Job,
    ) -> Result<Placed, Error> {
        let (answer, answered) = oneshot::channel();
        self.submit(room, job(answer))?;
        answered.await.unwrap_or_else(|_| Err(Error::Busy("the room's sequencer was stopped".into())))
    }

    /// The number of rooms in use.
    #[cfg(test)]
    pub(super) fn rooms(&self) -> usize {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn submit(&self, room: &str, job: Job) -> Result<(), Error> {
        // Held while sending: a sequencer that goes away looks at its queue under the same lock.
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let running = queues.get(room).filter(|queue| !queue.is_closed()).cloned();
        let queue = match running {
            Some(queue) => queue,
            None if queues.len() >= ROOMS_MAX => {
                return Err(Error::Busy(format!("{ROOMS_MAX} rooms are in use, which is the limit")));
            }
            None => {
                let queue = self.start(room);
                queues.insert(room.to_owned(), queue.clone());
                metrics::gauge!("madang_chat_rooms_in_use").set(queues.len() as f64);
                queue
            }
        };
        let full = |_| Error::Busy(format!("{WAITING_MAX} messages wait in this room, which is the limit"));
        queue.try_send(job).map_err(full)
    }

    fn start(&self, room: &str) -> mpsc::Sender<Job> {
        let (queue, jobs) = mpsc::channel(WAITING_MAX);
        let sequencer = Sequencer::new(room.to_owned(), self.log.clone(), self.bus.clone());
        tokio::spawn(run(sequencer, room.to_owned(), jobs, self.silence, Arc::downgrade(&self.queues)));
        queue
    }
}

/// Ends when the room falls silent, or when chat is gone and everything that waited is answered.
async fn run(
    mut sequencer: Sequencer,
    room: String,
    mut queue: mpsc::Receiver<Job>,
    silence: Duration,
    queues: Weak<Queues>,
) {
    let mut jobs = Vec::with_capacity(GROUP_MAX);
    loop {
        match tokio::time::timeout(silence, queue.recv_many(&mut jobs, GROUP_MAX)).await {
            Ok(0) => return,
            Ok(_) => sequencer.sequence(jobs.drain(..)).await,
            Err(_) => {
                let Some(queues) = queues.upgrade() else { return };
                let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.is_empty() {
                    queues.remove(&room);
                    metrics::gauge!("madang_chat_rooms_in_use").set(queues.len() as f64);
                    return;
                }
            }
        }
    }
}
