//! How many commands a connection may send.

use tokio::time::Instant;

/// What becomes of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    /// Too many: it fails.
    Refused,
    /// Far too many: the connection ends.
    Intolerable,
}

/// A second's worth of commands may come at once; as many again are refused before it is intolerable.
pub(super) struct Allowance {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, left: per_second, at: now }
    }

    /// Counts one command.
    pub(super) fn take(&mut self, now: Instant) -> Verdict {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.left = (self.left + grown).min(self.per_second) - 1.0;
        self.at = now;
        if self.left >= 0.0 {
            Verdict::Granted
        } else if self.left >= -self.per_second {
            Verdict::Refused
        } else {
            Verdict::Intolerable
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn grants_then_refuses_then_ends_and_recovers_with_time() {
        let start = Instant::now();
        let mut allowance = Allowance::new(10, start);
        let verdicts: Vec<Verdict> = (0..21).map(|_| allowance.take(start)).collect();
        assert!(verdicts[..10].iter().all(|verdict| *verdict == Verdict::Granted));
        assert!(verdicts[10..20].iter().all(|verdict| *verdict == Verdict::Refused));
        assert_eq!(verdicts[20], Verdict::Intolerable);
        assert_eq!(allowance.take(start + Duration::from_secs(3)), Verdict::Granted);
    }
}
