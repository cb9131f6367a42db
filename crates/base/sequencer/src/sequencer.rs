//! The sequencer of one room.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ports::{
    bus::{Bus, Position, Publication},
    room_log::{Appended, Head, RoomLog, RoomLogError},
};

use crate::{
    Error, Placed,
    group::{Group, Waiting},
};

/// Tries after errors of the log, before the writer is asked to try again.
const TRIES: u32 = 3;
/// Lost races for a place in a row, before the writer is asked to try again.
const CONFLICTS_MAX: u32 = 100;
/// How long a publication may take; what is not out by then is found in the log.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(2);
/// The same after one that took too long: the room must not go at the pace of a bus that hangs.
const PUBLISH_PATIENCE_SHORT: Duration = Duration::from_millis(20);

pub(crate) struct Sequencer {
    room: Arc<str>,
    log: Arc<dyn RoomLog>,
    bus: Arc<dyn Bus>,
    head: Option<Head>,
    witnesses: Arc<Witnesses>,
    /// How long the next publication may take.
    publish_patience: Duration,
}

/// Makes the keys by which a group is found whose append was not answered: one key for all of it, since it is kept whole or
/// not at all.
pub(crate) struct Witnesses {
    process: u64,
    count: AtomicU64,
}

impl Witnesses {
    /// `seed` has to differ between processes: a random number.
    pub(crate) fn new(seed: u64) -> Self {
        Self { process: seed, count: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        // Only uniqueness matters.
        format!("g:{:x}:{:x}", self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

impl Sequencer {
    pub(crate) fn new(room: Arc<str>, log: Arc<dyn RoomLog>, bus: Arc<dyn Bus>, witnesses: Arc<Witnesses>) -> Self {
        Self { room, log, bus, head: None, witnesses, publish_patience: PUBLISH_PATIENCE }
    }

    /// Answers every draft: placed, or an error.
    pub(crate) async fn sequence(&mut self, mut group: Group) {
        let started = Instant::now();
        let (mut failures, mut conflicts) = (0, 0);
        let mut attempt = Attempt { witness: self.witnesses.next(), count: 0 };
        while !group.waiting.is_empty() {
            if failures >= TRIES || conflicts >= CONFLICTS_MAX {
                break;
            }
            match self.append(&mut group, &mut attempt).await {
                Ok(Appended::Ok) => {
                    self.settle(&mut group, &mut attempt).await;
                    (failures, conflicts) = (0, 0);
                }
                Ok(Appended::Conflict { next }) => {
                    metrics::counter!("madang_room_append_conflicts_total").increment(1);
                    conflicts += 1;
                    self.stand_at(next);
                }
                // Somebody's key is there: those are answered, and the others try again.
                Ok(Appended::Known { .. }) => match self.look(&mut group, &mut attempt).await {
                    Ok(()) => conflicts += 1,
                    Err(error) => self.failed(&error, &mut failures).await,
                },
                Err(error @ RoomLogError::Engine(_)) => {
                    // Unknown: what was kept all the same is found by its key before anything is tried again.
                    self.failed(&error, &mut failures).await;
                    if let Err(error) = self.look(&mut group, &mut attempt).await {
                        self.failed(&error, &mut failures).await;
                    }
                }
                Err(RoomLogError::Refused(rule)) => {
                    tracing::error!(room = &*self.room, rule, "the room log refused a group");
                    group.give_up(&Error::Refused(rule));
                }
            }
        }
        metrics::histogram!("madang_room_append_seconds").record(started.elapsed().as_secs_f64());
        let unknown = "it did not answer in time; whether it was kept is unknown";
        group.give_up(&Error::Unknown(unknown.into()));
    }

    async fn append(&mut self, group: &mut Group, attempt: &mut Attempt) -> Result<Appended, RoomLogError> {
        // What is to be replaced stands in the log: who knows of fewer entries is behind another process.
        let head = match self.head.take().filter(|head| !group.replaces_from(head.next)) {
            Some(head) => head,
            None => self.log.head(&self.room).await?,
        };
        let entries =
            group.entries(&self.room, head.next, &attempt.witness, (attempt.count > 0).then_some(attempt.count));
        attempt.count = entries.len();
        if entries.is_empty() {
            self.head = Some(head);
            return Ok(Appended::Ok);
        }
        metrics::histogram!("madang_room_group_entries").record(entries.len() as f64);
        let appended = self.log.append(&self.room, &head.epoch, head.next, entries).await?;
        self.head = Some(head);
        Ok(appended)
    }

    fn stand_at(&mut self, next: u64) {
        // A conflict at the very place it expected means another epoch: ask anew.
        self.head = self.head.take().filter(|head| head.next != next).map(|head| Head { next, ..head });
    }

    async fn failed(&mut self, error: &RoomLogError, failures: &mut u32) {
        tracing::warn!(room = &*self.room, %error, "the room log did not answer");
        self.head = None;
        tokio::time::sleep(Duration::from_millis(10 << *failures)).await;
        *failures += 1;
    }

    /// What was tried stands where the log was.
    async fn settle(&mut self, group: &mut Group, attempt: &mut Attempt) {
        let Some(head) = &mut self.head else { return };
        let placed = group.take(attempt.count, head.next);
        head.next += placed.len() as u64;
        let epoch = head.epoch.clone();
        *attempt = Attempt { witness: self.witnesses.next(), count: 0 };
        self.acknowledge(group, epoch, placed).await;
    }

    /// Finds out whether the last attempt was kept after all, and answers those that were kept before it.
    async fn look(&mut self, group: &mut Group, attempt: &mut Attempt) -> Result<(), RoomLogError> {
        let mut keys = group.resend_keys(attempt.count);
        keys.push(attempt.witness.clone());
        let places = self.log.offsets_of(&self.room, &keys).await?;
        let known: HashMap<String, u64> =
            keys.into_iter().zip(places).filter_map(|(key, place)| place.map(|place| (key, place))).collect();
        if let Some(first) = known.get(&attempt.witness) {
            let epoch = self.log.head(&self.room).await?.epoch;
            self.head = None;
            let placed = group.take(attempt.count, *first);
            *attempt = Attempt { witness: self.witnesses.next(), count: 0 };
            self.acknowledge(group, epoch, placed).await;
        } else if !known.is_empty() {
            // One of its keys is another's: the attempt was not kept and never will be, so the next one may differ from it.
            *attempt = Attempt { witness: self.witnesses.next(), count: 0 };
            group.settle_known(&known);
        }
        Ok(())
    }

    /// Tells the writers, then the readers.
    async fn acknowledge(&mut self, group: &mut Group, epoch: String, placed: Vec<(u64, Waiting)>) {
        let epoch: Arc<str> = epoch.into();
        let mut publications = Vec::with_capacity(placed.len());
        for (offset, one) in placed {
            let (one, data) = one.at(offset);
            let position = Some(Position { offset, epoch: epoch.clone() });
            let draft = one.draft();
            let (redacts, about) = (draft.redacts.clone(), draft.about.clone());
            publications.push(Publication { position, data, redacts, about });
            group.answer(&one, Ok(Placed::Here(offset)), Some(offset));
        }
        let patience = self.publish_patience;
        let published = tokio::time::timeout(patience, self.bus.publish(&self.room, publications)).await;
        self.publish_patience = if published.is_err() { PUBLISH_PATIENCE_SHORT } else { PUBLISH_PATIENCE };
        let failure = match published {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the bus took longer than {} ms", patience.as_millis()),
        };
        metrics::counter!("madang_room_publish_failures_total").increment(1);
        tracing::warn!(room = &*self.room, failure, "kept but not published; readers find it in the log");
    }
}

/// What is being tried: the first so many drafts of the group, under one witness as long as it is unknown how it ended.
struct Attempt {
    witness: String,
    count: usize,
}
