//! The sequencer of one room: takes what waits, gives it places in the log, acknowledges, publishes.
//!
//! One per room and process keeps conflicts rare; the order itself is held by the log's conditional append, so a second
//! process with a sequencer for the same room costs retries and nothing else.

use std::{collections::HashMap, sync::Arc, time::Duration, time::Instant};

use bytes::Bytes;
use kernel::Timestamp;
use ports::bus::{Bus, Position, Publication};
use ports::room_log::{Appended, Entry, Head, Redaction, RoomLog, RoomLogError};
use tokio::sync::oneshot;

use super::{Error, model::Draft};

/// Entries in one group.
pub(super) const GROUP_MAX: usize = 200;
/// Tries after errors of the log, before the client is asked to try again.
const TRIES: u32 = 3;
/// Lost races for a place in a row, before the client is asked to try again.
const CONFLICTS_MAX: u32 = 100;
/// How long a publication may take; what is not out by then is found in the log.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(2);

/// Something to append.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) draft: Draft,
    pub(super) at: Timestamp,
    pub(super) redacts: Option<Redaction>,
    pub(super) answer: oneshot::Sender<Result<Placed, Error>>,
}

/// Where it stands now, durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It was kept here.
    Here(u64),
    /// It is a resend: the first one was kept here.
    Before(u64),
}

pub(super) struct Sequencer {
    room: String,
    log: Arc<dyn RoomLog>,
    bus: Arc<dyn Bus>,
    head: Option<Head>,
}

/// A job with those that wait for the same thing.
struct Waiting {
    job: Job,
    own_key: String,
    resend_key: Option<String>,
    resends: Vec<oneshot::Sender<Result<Placed, Error>>>,
    data: Bytes,
}

impl Sequencer {
    pub(super) fn new(room: String, log: Arc<dyn RoomLog>, bus: Arc<dyn Bus>) -> Self {
        Self { room, log, bus, head: None }
    }

    /// Answers every job: placed, or an error that leaves open whether it was.
    pub(super) async fn sequence(&mut self, jobs: impl Iterator<Item = Job>) {
        let started = Instant::now();
        let mut waiting = gather(jobs);
        let (mut failures, mut conflicts) = (0, 0);
        while !waiting.is_empty() && failures < TRIES && conflicts < CONFLICTS_MAX {
            match self.append(&mut waiting).await {
                Ok(Appended::Ok) => self.settle_all(std::mem::take(&mut waiting)).await,
                Ok(Appended::Conflict { next }) => {
                    metrics::counter!("madang_chat_append_conflicts_total").increment(1);
                    conflicts += 1;
                    self.stand_at(next);
                }
                // Somebody's key is there: those are answered, and the others try again.
                Ok(Appended::Known { .. }) => match self.settle_known(&mut waiting).await {
                    Ok(()) => conflicts += 1,
                    Err(error) => self.failed(&error, &mut failures).await,
                },
                Err(error @ Error::Log(RoomLogError::Engine(_))) => {
                    // Unknown: what was kept all the same is found by its key before anything is tried again.
                    self.failed(&error, &mut failures).await;
                    if let Err(error) = self.settle_known(&mut waiting).await {
                        self.failed(&error, &mut failures).await;
                    }
                }
                Err(error) => {
                    tracing::error!(room = self.room, %error, "the room log refused a group");
                    break;
                }
            }
        }
        metrics::histogram!("madang_chat_append_seconds").record(started.elapsed().as_secs_f64());
        for one in waiting {
            one.give_up();
        }
    }

    async fn append(&mut self, waiting: &mut [Waiting]) -> Result<Appended, Error> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.log.head(&self.room).await?,
        };
        let mut group = Vec::with_capacity(waiting.len());
        for (one, offset) in waiting.iter_mut().zip(head.next..) {
            group.push(one.entry(offset)?);
        }
        let appended = self.log.append(&self.room, &head.epoch, head.next, group).await?;
        self.head = Some(head);
        Ok(appended)
    }

    fn stand_at(&mut self, next: u64) {
        // A conflict at the very place it expected means another epoch: ask anew.
        self.head = self.head.take().filter(|head| head.next != next).map(|head| Head { next, ..head });
    }

    async fn failed(&mut self, error: &Error, failures: &mut u32) {
        tracing::warn!(room = self.room, %error, "the room log did not answer");
        self.head = None;
        tokio::time::sleep(Duration::from_millis(10 << *failures)).await;
        *failures += 1;
    }

    /// The whole group stands where the log was.
    async fn settle_all(&mut self, waiting: Vec<Waiting>) {
        let Some(head) = &mut self.head else { return };
        let placed: Vec<(u64, Waiting)> = (head.next..).zip(waiting).collect();
        head.next += placed.len() as u64;
        let epoch = head.epoch.clone();
        self.acknowledge(epoch, placed).await;
    }

    /// Answers those whose keys are in the log, and leaves the others.
    async fn settle_known(&mut self, waiting: &mut Vec<Waiting>) -> Result<(), Error> {
        let keys: Vec<String> = waiting.iter().flat_map(Waiting::keys).collect();
        let places = self.log.offsets_of(&self.room, &keys).await?;
        if places.iter().all(Option::is_none) {
            return Ok(());
        }
        let epoch = self.log.head(&self.room).await?.epoch;
        let known: HashMap<&String, u64> =
            keys.iter().zip(places).filter_map(|(key, place)| place.map(|place| (key, place))).collect();
        let mut kept = Vec::new();
        for one in std::mem::take(waiting) {
            let before = one.resend_key.as_ref().and_then(|key| known.get(key));
            match (known.get(&one.own_key), before) {
                (Some(place), _) => kept.push((*place, one)),
                (None, Some(place)) => one.answer(Placed::Before(*place)),
                (None, None) => waiting.push(one),
            }
        }
        if !kept.is_empty() {
            kept.sort_unstable_by_key(|(place, _)| *place);
            self.acknowledge(epoch, kept).await;
        }
        Ok(())
    }

    /// Tells the senders, then the readers.
    async fn acknowledge(&self, epoch: String, placed: Vec<(u64, Waiting)>) {
        let epoch: Arc<str> = epoch.into();
        let mut publications = Vec::with_capacity(placed.len());
        for (offset, mut one) in placed {
            // It may have been kept at another place than the one it was tried at last.
            if one.entry(offset).is_ok() {
                let position = Some(Position { offset, epoch: epoch.clone() });
                let redacts = one.job.redacts.clone();
                publications.push(Publication { position, data: one.data.clone(), redacts, about: None });
            }
            one.answer(Placed::Here(offset));
        }
        let published = tokio::time::timeout(PUBLISH_PATIENCE, self.bus.publish(&self.room, publications)).await;
        let failure = match published {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the bus took longer than {} s", PUBLISH_PATIENCE.as_secs()),
        };
        metrics::counter!("madang_chat_publish_failures_total").increment(1);
        tracing::warn!(room = self.room, failure, "kept but not published; readers find it in the log");
    }
}

impl Waiting {
    fn keys(&self) -> impl Iterator<Item = String> {
        [Some(self.own_key.clone()), self.resend_key.clone()].into_iter().flatten()
    }

    fn entry(&mut self, offset: u64) -> Result<Entry, Error> {
        self.data = self.job.draft.place(offset)?;
        let redacts = self.job.redacts.clone();
        Ok(Entry { keys: self.keys().collect(), at: self.job.at, data: self.data.clone(), redacts, about: None })
    }

    fn answer(self, placed: Placed) {
        let (Placed::Here(offset) | Placed::Before(offset)) = placed;
        // A sender that has gone resends, and finds it by its key.
        let _ = self.job.answer.send(Ok(placed));
        for resend in self.resends {
            let _ = resend.send(Ok(Placed::Before(offset)));
        }
    }

    fn give_up(self) {
        for answer in std::iter::once(self.job.answer).chain(self.resends) {
            let unknown = RoomLogError::Engine("it did not answer in time; whether it was kept is unknown".into());
            let _ = answer.send(Err(unknown.into()));
        }
    }
}

/// Jobs that bring the same key wait for the first of them.
fn gather(jobs: impl Iterator<Item = Job>) -> Vec<Waiting> {
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for job in jobs {
        let (own_key, resend_key) = (job.draft.own_key(), job.draft.resend_key());
        let key = resend_key.clone().unwrap_or_else(|| own_key.clone());
        match places.get(&key).and_then(|place| waiting.get_mut(*place)) {
            Some(first) => first.resends.push(job.answer),
            None => {
                places.insert(key, waiting.len());
                waiting.push(Waiting { job, own_key, resend_key, resends: Vec::new(), data: Bytes::new() });
            }
        }
    }
    waiting
}
