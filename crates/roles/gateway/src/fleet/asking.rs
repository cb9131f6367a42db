//! Asking all others, and waiting for their answers.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{ALL, Answer, Fleet, Question, Shared, Word, own_channel};

/// How long all answers may take together.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether one that has not answered is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Some gateway has not answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// This one hears nothing, not even itself.
    #[error("this gateway does not hear the others at present")]
    Deaf,
    /// The question could not be sent.
    #[error("{0}")]
    Bus(String),
    /// Those are there, and did not answer in time.
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
struct Asked<'a> {
    pending: &'a Pending,
    number: u64,
    answers: mpsc::UnboundedReceiver<(String, Answer)>,
}

impl Pending {
    fn begin(&self) -> Asked<'_> {
        // Only uniqueness matters.
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        // Bounded by the number of gateways: each answers once.
        let (sender, answers) = mpsc::unbounded_channel();
        self.waiting().insert(number, sender);
        Asked { pending: self, number, answers }
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

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.pending.waiting().remove(&self.number);
    }
}

impl Fleet {
    /// What all others answer; an error when one of them does not.
    pub(crate) async fn ask_all(&self, question: &Question) -> Result<Vec<Answer>, Unanswered> {
        match self.ask(question).await? {
            (answers, 0) => Ok(answers),
            (_, missing) => Err(Unanswered::Missing(missing)),
        }
    }

    /// What the others answer that do.
    pub(crate) async fn ask_those_who_answer(&self, question: &Question) -> Result<Vec<Answer>, Unanswered> {
        Ok(self.ask(question).await?.0)
    }

    /// What the gateway with this id answers; none: it is not there, or is this one.
    pub(crate) async fn ask_one(&self, id: &str, question: &Question) -> Result<Option<Answer>, Unanswered> {
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.others().iter().any(|other| other == id)) else {
            return Ok(None);
        };
        let (mut answers, missing) = shared.ask(question, vec![id.to_owned()], &own_channel(id)).await?;
        if missing == 0 { Ok(answers.pop()) } else { Err(Unanswered::Missing(missing)) }
    }

    /// The answers, and how many there are not.
    async fn ask(&self, question: &Question) -> Result<(Vec<Answer>, usize), Unanswered> {
        match &self.shared {
            None => Ok((Vec::new(), 0)),
            Some(shared) => shared.ask(question, shared.others(), ALL).await,
        }
    }
}

impl Shared {
    /// Asks those on a channel of theirs.
    async fn ask(
        &self,
        question: &Question,
        mut missing: Vec<String>,
        channel: &str,
    ) -> Result<(Vec<Answer>, usize), Unanswered> {
        if !self.present().is_there(&self.id) {
            return Err(Unanswered::Deaf);
        }
        if missing.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let mut asked = self.pending.begin();
        let word = Word::Asks { from: self.id.clone(), number: asked.number, question: question.clone() };
        self.try_to_say(channel, &word).await.map_err(|error| Unanswered::Bus(error.to_string()))?;
        let until = Instant::now() + PATIENCE;
        let mut answers = Vec::with_capacity(missing.len());
        while !missing.is_empty() && Instant::now() < until {
            if let Ok(Some((from, answer))) = timeout(LOOK_EVERY, asked.answers.recv()).await {
                let before = missing.len();
                missing.retain(|id| *id != from);
                if missing.len() < before {
                    answers.push(answer);
                }
            }
            let present = self.present();
            missing.retain(|id| present.is_there(id));
        }
        Ok((answers, missing.len()))
    }
}
