//! Asking others, and waiting for their answers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::value::to_raw_value;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{ALL, Answer, Emulated, Fleet, Question, Shared, own_channel, word::Asked, word::Word};

/// How long all answers to an order may take together.
const ORDER_PATIENCE: Duration = Duration::from_secs(2);
/// The same of a reading, for which a client waits, and its next commands with it.
const READING_PATIENCE: Duration = Duration::from_millis(500);
/// How often it is looked whether one that has not answered is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Some gateway has not answered.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// This one hears nothing, not even itself.
    #[error("this gateway does not hear the others at present")]
    Deaf,
    /// The question could not be sent.
    #[error("{0}")]
    Bus(String),
    /// So many are there, and did not answer in time.
    #[error("{0} other gateways have not answered")]
    Missing(usize),
}

/// Questions whose answers are awaited.
#[derive(Default)]
pub(super) struct Pending {
    last: AtomicU64,
    waiting: Mutex<HashMap<u64, mpsc::UnboundedSender<(String, Answer)>>>,
}

/// One question; gone with its answers when dropped.
struct Waiting<'a> {
    pending: &'a Pending,
    number: u64,
    answers: mpsc::UnboundedReceiver<(String, Answer)>,
}

impl Pending {
    fn begin(&self) -> Waiting<'_> {
        // Only uniqueness matters.
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        Waiting { pending: self, number, answers: self.expect(number) }
    }

    pub(super) fn expect(&self, number: u64) -> mpsc::UnboundedReceiver<(String, Answer)> {
        // Bounded by the number of gateways: each answers once.
        let (sender, answers) = mpsc::unbounded_channel();
        self.waiting().insert(number, sender);
        answers
    }

    pub(super) fn take(&self, number: u64, from: String, answer: Answer) {
        if let Some(waiting) = self.waiting().get(&number) {
            // Nobody waits any more.
            let _ = waiting.send((from, answer));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, mpsc::UnboundedSender<(String, Answer)>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.waiting().remove(&self.number);
    }
}

impl Fleet {
    /// Has all others carry an order out; an error when one of them does not say that it did.
    pub(super) async fn order(&self, order: &Question) -> Result<(), Unanswered> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let (_, missing) = shared.ask(order, shared.others(), ALL, ORDER_PATIENCE).await?;
        if missing == 0 { Ok(()) } else { Err(Unanswered::Missing(missing)) }
    }

    /// What the others answer that do.
    pub(super) async fn read(&self, reading: &Question) -> Result<Vec<Answer>, Unanswered> {
        let Some(shared) = &self.shared else { return Ok(Vec::new()) };
        Ok(shared.ask(reading, shared.others(), ALL, READING_PATIENCE).await?.0)
    }

    /// The same, half a second old at the most: clients may ask it as often as they like.
    pub(super) async fn read_recent(&self, reading: &Question) -> Result<Arc<[Answer]>, Unanswered> {
        let Some(shared) = &self.shared else { return Ok([].into()) };
        let name = serde_json::to_string(reading).map_err(|error| Unanswered::Bus(error.to_string()))?;
        shared.recent.or_ask(name, self.read(reading)).await
    }

    /// What one other gateway answers; none: it is not there.
    pub(super) async fn ask_one(&self, id: &str, question: &Question) -> Result<Option<Answer>, Unanswered> {
        let Some(shared) = &self.shared else { return Ok(None) };
        if !self.hears() {
            return Err(shared.counted(Unanswered::Deaf));
        }
        if !shared.others().iter().any(|other| other == id) {
            return Ok(None);
        }
        let (answers, _) = shared.ask(question, vec![id.to_owned()], &own_channel(id), ORDER_PATIENCE).await?;
        answers.into_iter().next().map(Some).ok_or(Unanswered::Missing(1))
    }

    /// Hands a client's frame to the gateway at which its session began.
    pub(crate) async fn emulate(&self, id: &str, session: String, data: Bytes) -> Result<Emulated, Unanswered> {
        let Some(shared) = &self.shared else { return Ok(Emulated::Unknown) };
        // Whoever knows an id can send frames: they take no more of the bus than this.
        let Ok(_permit) = shared.frames.try_acquire() else { return Ok(Emulated::Busy) };
        let frame = Question::Emulate { session, data: Some(data) };
        match self.ask_one(id, &frame).await? {
            None => Ok(Emulated::Unknown),
            Some(Answer::Emulated(emulated)) => Ok(emulated),
            Some(_) => Err(Unanswered::Missing(1)),
        }
    }
}

impl Shared {
    /// Asks all who listen to a channel. What those answer that are waited for, and how many of them do not in time and are
    /// still there.
    async fn ask(
        &self,
        question: &Question,
        mut missing: Vec<String>,
        channel: &str,
        patience: Duration,
    ) -> Result<(Vec<Answer>, usize), Unanswered> {
        if !self.present().is_there(&self.id) {
            return Err(self.counted(Unanswered::Deaf));
        }
        let mut waiting = self.pending.begin();
        let question = to_raw_value(question).map_err(|error| Unanswered::Bus(error.to_string()))?;
        let word = Word::Asks(Asked { from: self.id.clone(), number: waiting.number, question });
        // Also when nobody is known: who is not heard may hear.
        let said = self.try_to_say(channel, &word).await;
        said.map_err(|error| self.counted(Unanswered::Bus(error.to_string())))?;
        let until = Instant::now() + patience;
        let mut answers = Vec::with_capacity(missing.len());
        while !missing.is_empty() && Instant::now() < until {
            if let Ok(Some((from, answer))) = timeout(LOOK_EVERY, waiting.answers.recv()).await
                && let Some(place) = missing.iter().position(|id| *id == from)
            {
                missing.swap_remove(place);
                answers.push(answer);
            }
            let present = self.present();
            missing.retain(|id| present.is_there(id));
        }
        if !missing.is_empty() {
            self.counted(Unanswered::Missing(missing.len()));
        }
        Ok((answers, missing.len()))
    }

    fn counted(&self, why: Unanswered) -> Unanswered {
        metrics::counter!("madang_gateway_fleet_unanswered_total").increment(1);
        why
    }
}
