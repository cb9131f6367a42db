//! What the others answered a moment ago: many clients ask the same at once, when they connect.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{Answer, Unanswered};

/// How old an answer may be.
const FRESH: Duration = Duration::from_millis(500);
/// Questions whose answers are remembered, before old ones are looked for.
const KEPT: usize = 256;

type Answers = Arc<OnceCell<Result<Arc<[Answer]>, Unanswered>>>;

/// Answers by the question.
#[derive(Default)]
pub(super) struct Recent(Mutex<HashMap<String, (Instant, Answers)>>);

impl Recent {
    /// What was answered a moment ago, or is being asked; else `ask` is asked. Whoever asks the same meanwhile waits for it.
    pub(super) async fn or_ask(
        &self,
        question: String,
        ask: impl Future<Output = Result<Vec<Answer>, Unanswered>>,
    ) -> Result<Arc<[Answer]>, Unanswered> {
        let answers = self.of(question, Instant::now());
        answers.get_or_init(|| async { ask.await.map(Into::into) }).await.clone()
    }

    fn of(&self, question: String, now: Instant) -> Answers {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.retain(|_, (asked, _)| now - *asked < FRESH);
        }
        match kept.get(&question) {
            Some((asked, answers)) if now - *asked < FRESH => answers.clone(),
            _ => kept.entry(question).insert_entry((now, Answers::default())).get().1.clone(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (Instant, Answers)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
