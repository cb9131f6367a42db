//! The crowd where several processes count it: what each has heard, told to all in gatherings.
//!
//! Promise: a viewer counts once, whichever processes its beats reach, and hearts that one process has taken are in the answers
//! of the others half a second later. One word for each show and three tenths of a second at the most, whatever happens in it; none
//! when nothing does. What is kept does not depend on it: while gatherings cannot be reached, hearts go on, and the number of those who
//! watch stands still. When they come back empty, all processes say everything again, and the number stands still for a second and a half.
//!
//! Lost with an answer that is lost: watch time of the beats in its word.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kernel::{BroadcastId, Clock, Timestamp};
use ports::{
    gatherings::{GatheringError, Gatherings, Told, Word},
    work::{Place, Schedule, WorkError},
};

use crate::{hearts::Hearts, viewers::Viewers};

#[cfg(test)]
mod tests;

/// At the most a word for each show in so many milliseconds.
const EVERY_MS: u64 = 300;
/// A show with players whom nobody has heard of since is asked about after so many milliseconds: it has fewer when a lease runs out.
const ASKS_AFTER_MS: i64 = 500;
/// What failed is tried again after so many milliseconds.
const RETRY_AFTER_MS: i64 = 1_000;
/// Words under way at the same time.
const AT_ONCE: usize = 64;

/// Tells the other processes what this one has heard.
pub(crate) struct Together {
    clock: Arc<dyn Clock>,
    gatherings: Arc<dyn Gatherings>,
    writer: i64,
    viewers: Arc<Viewers>,
    hearts: Arc<Hearts>,
    said: tokio::sync::Mutex<HashMap<BroadcastId, Said>>,
}

/// What was said last of a show.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    /// The gathering knows this process; else everything has to be said.
    is_known: bool,
    /// Hearts that were not kept, and those that were.
    given: (u64, u64),
    players: usize,
    /// When something is to be said at the latest, if there is anybody, and when at the earliest.
    due_at: Timestamp,
    not_before: Timestamp,
}

impl std::fmt::Debug for Together {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Together")
    }
}

impl Together {
    /// `writer` names this process and is never used again.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        gatherings: Arc<dyn Gatherings>,
        writer: i64,
        viewers: Arc<Viewers>,
        hearts: Arc<Hearts>,
    ) -> Self {
        Self { clock, gatherings, writer, viewers, hearts, said: tokio::sync::Mutex::default() }
    }

    /// Says what is new, and takes in the answers; forgets shows that are over here.
    pub(crate) async fn speak(&self) -> Result<(), GatheringError> {
        let mut said = self.said.lock().await;
        let shows: HashSet<BroadcastId> = self.viewers.shows().into_iter().chain(self.hearts.shows()).collect();
        let now = self.clock.now();
        let mut words = Vec::new();
        for show in &shows {
            let before = said.get(show).copied().unwrap_or_default();
            words.extend(self.word(*show, before, now).map(|(word, players)| (*show, word, players)));
        }
        let mut answers = stream::iter(words)
            .map(async |(show, word, players)| {
                let told = self.gatherings.say(&show.to_string(), self.writer, &word).await;
                (show, word, players, told)
            })
            .buffer_unordered(AT_ONCE);
        let mut failure = Ok(());
        while let Some((show, word, players, told)) = answers.next().await {
            let after = Said { given: (word.unkept, word.kept), players, ..Said::default() };
            let after = match told {
                Ok(told) => {
                    Said { is_known: self.hear(show, &word, told), due_at: now.plus_millis(ASKS_AFTER_MS), ..after }
                }
                Err(error) => {
                    failure = Err(error);
                    Said { not_before: now.plus_millis(RETRY_AFTER_MS), ..after }
                }
            };
            said.insert(show, after);
        }
        drop(answers);
        let over: Vec<BroadcastId> = said.keys().filter(|show| !shows.contains(show)).copied().collect();
        for show in over {
            self.gatherings.end(&show.to_string()).await?;
            said.remove(&show);
        }
        failure
    }

    /// What there is to say of a show, and how many players it has here.
    fn word(&self, show: BroadcastId, before: Said, now: Timestamp) -> Option<(Word, usize)> {
        if now < before.not_before {
            return None;
        }
        let begins = !before.is_known;
        let (unkept, kept) = self.hearts.given(show);
        let said = self.viewers.say(show, begins);
        let has_given = (begins || (unkept, kept) != before.given) && (unkept > 0 || before.given.0 > 0);
        let has_anybody = said.players > 0 || before.players > 0;
        let is_due = !said.movements.is_empty() || has_given || has_anybody && (begins || now >= before.due_at);
        let word = Word { at: now, begins, movements: said.movements, unkept, kept, troubles: said.stalls };
        is_due.then_some((word, said.players))
    }

    /// Takes in an answer; whether the gathering knows this process.
    fn hear(&self, show: BroadcastId, word: &Word, told: Told) -> bool {
        let Told::Present(present) = told else { return false };
        self.viewers.hear(show, &present, !word.movements.is_empty());
        self.hearts.hear(show, present.unkept.saturating_sub(word.unkept), present.kept);
        true
    }
}

#[async_trait]
impl Schedule for Together {
    fn name(&self) -> &'static str {
        "count_together"
    }

    fn every(&self) -> Duration {
        Duration::from_millis(EVERY_MS)
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.speak().await?)
    }

    /// What this process has not kept is said no more.
    async fn finish(&self) -> Result<(), WorkError> {
        self.hearts.keep().await?;
        // Where that fails, the others find out that this process is silent.
        let _ = self.speak().await;
        Ok(())
    }
}
