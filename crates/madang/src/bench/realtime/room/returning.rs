//! Connections that ended and come back as those of the published libraries do: after a pause that is random, grows with every
//! attempt and is bounded.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use kernel::random::mix;

/// The libraries' defaults (`minReconnectDelay`, `maxReconnectDelay`).
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// Who is away.
#[derive(Debug, Default)]
pub(super) struct Returning {
    away: HashMap<usize, Away>,
    returned: u64,
}

#[derive(Debug, Default)]
struct Away {
    attempts: u32,
    /// When it tries again; none: it is trying.
    next: Option<Instant>,
}

impl Returning {
    /// A connection ended, or could not be made.
    pub(super) fn ended(&mut self, number: usize, now: Instant) {
        let away = self.away.entry(number).or_default();
        away.next = Some(now + pause(number, away.attempts));
        away.attempts += 1;
    }

    /// Those whose pause is over. They try now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        for (number, away) in &mut self.away {
            if away.next.take_if(|next| *next <= now).is_some() {
                due.push(*number);
            }
        }
        due
    }

    /// A connection is ready; true: it had been away.
    pub(super) fn is_back(&mut self, number: usize) -> bool {
        let was_away = self.away.remove(&number).is_some();
        self.returned += u64::from(was_away);
        was_away
    }

    pub(super) fn is_away(&self, number: usize) -> bool {
        self.away.contains_key(&number)
    }

    pub(super) fn nobody_is_away(&self) -> bool {
        self.away.is_empty()
    }

    /// How many came back so far.
    pub(super) fn returned(&self) -> u64 {
        self.returned
    }
}

/// The shortest pause, and a random share of what doubles with every attempt. Each connection has its own, the same in every run.
fn pause(number: usize, attempt: u32) -> Duration {
    let growing = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(attempt)).min(PAUSE_MAX);
    (PAUSE_MIN + growing.mul_f64(share(number as u64 + (u64::from(attempt) << 32)))).min(PAUSE_MAX)
}

/// A number from 0 to 1 that looks random.
fn share(seed: u64) -> f64 {
    mix(seed) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_grow_and_are_bounded() {
        for attempt in 0..40 {
            let pauses: Vec<Duration> = (0..500).map(|number| pause(number, attempt)).collect();
            let longest = (PAUSE_MIN + PAUSE_MIN.saturating_mul(2_u32.saturating_pow(attempt))).min(PAUSE_MAX);
            assert!(pauses.iter().all(|pause| (PAUSE_MIN..=longest).contains(pause)), "{attempt}");
            let early = pauses.iter().filter(|pause| **pause < (PAUSE_MIN + longest) / 2).count();
            assert!((200..300).contains(&early), "{attempt}: {early} of 500 in the first half");
        }
    }

    #[test]
    fn who_ended_tries_after_its_pause_until_it_is_back() {
        let (mut returning, begun) = (Returning::default(), Instant::now());
        returning.ended(3, begun);
        assert!(returning.due(begun).is_empty());
        assert_eq!(returning.due(begun + 2 * PAUSE_MIN), [3]);
        assert!(returning.due(begun + PAUSE_MAX).is_empty(), "it is trying");
        returning.ended(3, begun);
        assert_eq!(returning.due(begun + 3 * PAUSE_MIN), [3]);
        assert!(returning.is_away(3) && returning.is_back(3) && !returning.is_away(3) && !returning.is_back(3));
        assert_eq!((returning.returned(), returning.nobody_is_away()), (1, true));
    }
}
