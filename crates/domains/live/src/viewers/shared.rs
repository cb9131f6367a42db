//! One show's attendance where several processes count it. Pure.

use ports::gatherings::{Movement, Present};

use crate::needs::PlayerHealth;

/// So old a gathering has to be before its count is told, in milliseconds: every process that counts has spoken in it by then. It is
/// made anew when the engine was emptied.
pub(super) const SETTLED_MS: i64 = 1_500;

/// What the other processes are told, and what all of them have together.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// What they are not told yet.
    pub(super) unsaid: Vec<Movement>,
    /// Players and stalls of all; as they were while that is not known.
    together: Option<(u64, u64)>,
}

impl Shared {
    pub(super) fn hear(&mut self, present: &Present) {
        if present.age_ms >= SETTLED_MS {
            self.together = Some((present.here, present.troubles));
        }
    }

    /// How all players are doing, when those of this process are doing like this: its medians stand for all.
    pub(super) fn of_all(&self, health: PlayerHealth) -> Option<PlayerHealth> {
        let (sessions, stalls) = self.together?;
        Some(PlayerHealth { sessions, stalls_per_minute: stalls as f64, ..health })
    }
}
