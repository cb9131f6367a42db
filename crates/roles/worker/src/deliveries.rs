//! A reaction as a member of a group that a broker delivers to.
//!
//! A letter is done when its fact had its effect, and only then. One that fails a few times is put aside into the reaction's own retry
//! topic, so that it holds up nobody, and comes back after a pause that grows. One that has failed for about half an hour is a dead
//! letter: it waits for a person.

use std::{sync::Arc, time::Duration};

use ports::{
    broker::{Broker, BrokerError, Letter, Member},
    work::Reaction,
};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    delay::Delay,
    following::{PAUSE, failed},
    reactions::react,
    topics,
};

/// The pauses between the first tries, which are made on the spot.
const AT_ONCE: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// How often a letter is put aside before it is dead: with the pauses below, for 26 minutes.
const ATTEMPTS_MAX: u32 = 30;
/// The longest pause before a letter that was put aside comes again. One that waits holds up those behind it, no longer than this.
const ASIDE_MAX_S: i64 = 60;
/// How often it is looked how many letters wait.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// One reaction, and who delivers to it.
#[derive(Clone)]
pub(crate) struct Deliveries {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) reaction: Arc<dyn Reaction>,
    pub(crate) delay: Delay,
    pub(crate) cancel: CancellationToken,
}

impl Deliveries {
    /// Reacts to the facts of its families, until cancelled.
    pub(crate) async fn first_time(self) {
        let (group, families) = (self.reaction.name(), topics::families(&*self.reaction));
        self.take_part(group, &families).await;
    }

    /// Reacts to what was put aside, until cancelled.
    pub(crate) async fn again(self) {
        let retry = topics::retry(self.reaction.name());
        self.take_part(&retry, std::slice::from_ref(&retry)).await;
    }

    async fn take_part(&self, group: &str, topics: &[String]) {
        let Some(mut member) = self.join(group, topics).await else { return };
        let mut count = interval(COUNT_EVERY);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_heard = true;
        loop {
            let next = tokio::select! {
                () = self.cancel.cancelled() => break,
                _ = count.tick() => {
                    metrics::gauge!("madang_reaction_lag", "group" => group.to_owned()).set(f64::from(u32::try_from(member.waiting()).unwrap_or(u32::MAX)));
                    continue;
                }
                next = member.next() => next,
            };
            let done = match next {
                Ok(letter) if self.settle(&letter).await => member.done(),
                // Cancelled: it comes again.
                Ok(_) => break,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => is_heard = true,
                Err(error) => {
                    // Said once, not with every second of an outage.
                    if is_heard {
                        tracing::warn!(group, %error, "the broker cannot be heard; it is asked again and again");
                    }
                    is_heard = false;
                    self.rest(PAUSE.0 * 10).await;
                }
            }
        }
        member.leave().await;
    }

    async fn join(&self, group: &str, topics: &[String]) -> Option<Box<dyn Member>> {
        let mut pause = PAUSE.0;
        loop {
            match self.cancel.run_until_cancelled(self.broker.join(group, topics)).await? {
                Ok(member) => return Some(member),
                Err(error) => {
                    tracing::warn!(group, %error, pause_ms = pause.as_millis(), "the broker lets nobody join; it is asked again");
                    self.rest(pause).await;
                }
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Sees to it that the fact has its effect, now or later; false when cancelled before.
    async fn settle(&self, letter: &Letter) -> bool {
        let early = letter.due.millis_since(self.delay.now());
        if early > 0 && self.cancel.run_until_cancelled(sleep(millis(early))).await.is_none() {
            return false;
        }
        let mut pauses = AT_ONCE.into_iter();
        loop {
            let Err(trouble) = react(&*self.reaction, &letter.fact).await else {
                self.delay.done(self.reaction.name(), [&letter.fact]);
                return true;
            };
            let Some(pause) = pauses.next() else { return self.put_aside(letter, trouble).await };
            self.pause(&trouble, pause).await;
            if self.cancel.is_cancelled() {
                return false;
            }
        }
    }

    /// Sends the letter on to the retry topic, or to the dead ones; false when cancelled before that is sure.
    async fn put_aside(&self, letter: &Letter, trouble: String) -> bool {
        let name = self.reaction.name();
        let attempts = letter.attempts.saturating_add(1);
        let seconds = 2_i64.saturating_pow(attempts).min(ASIDE_MAX_S);
        let due = self.delay.now().plus_millis(seconds * 1_000);
        let topic = if attempts > ATTEMPTS_MAX {
            metrics::counter!("madang_reaction_dead_letters_total", "reaction" => name).increment(1);
            tracing::error!(reaction = name, trouble, "a fact is given up: it is among the dead letters");
            topics::dead(name)
        } else {
            tracing::warn!(reaction = name, trouble, seconds, "a fact is put aside: it is tried again later");
            topics::retry(name)
        };
        let aside = [(topic, Letter { attempts, due, trouble, fact: letter.fact.clone() })];
        let mut pause = PAUSE.0;
        while let Some(sent) = self.cancel.run_until_cancelled(self.broker.send(&aside)).await {
            let Some(error) = sent.trouble else { return true };
            self.pause(&error.to_string(), pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
        false
    }

    async fn pause(&self, error: &str, pause: Duration) {
        failed(self.reaction.name(), error, pause);
        self.rest(pause).await;
    }

    async fn rest(&self, pause: Duration) {
        let _ = self.cancel.run_until_cancelled(sleep(pause)).await;
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// Sends the dead letters of a reaction to its retry topic, those that no replay has sent before. How many.
pub async fn replay(broker: &dyn Broker, reaction: &str) -> Result<usize, BrokerError> {
    let (dead, retry) = (topics::dead(reaction), topics::retry(reaction));
    let mut member = broker.join(&format!("{dead}.replay"), std::slice::from_ref(&dead)).await?;
    let mut replayed = 0;
    while let Ok(next) = tokio::time::timeout(QUIET, member.next()).await {
        let again = [(retry.clone(), Letter::new(next?.fact))];
        if let Some(trouble) = broker.send(&again).await.trouble {
            return Err(trouble);
        }
        member.done()?;
        replayed += 1;
    }
    member.leave().await;
    Ok(replayed)
}

/// A topic from which nothing comes for so long has nothing left: longer than it takes to join its group.
const QUIET: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
