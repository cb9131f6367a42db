//! When a connection must hear from its client, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Settings;

/// While so many bytes may still be on their way, a late answer is no sign of death.
const IN_FLIGHT_BYTES: u64 = 64 << 10;

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// The connect command did not come in time.
    Stale,
    /// Ping the client.
    Ping,
    /// The client did not answer in time.
    NoPong,
    /// Nothing yet.
    Wait,
}

/// The times of one connection.
pub(super) struct Heartbeat {
    deadline: Instant,
    expects: Expects,
    /// How much had been sent when the client was last known to have read everything before.
    seen_bytes: u64,
}

enum Expects {
    Connect,
    Nothing,
    /// Boxed: it seldom takes long.
    Pong(Box<Awaited>),
}

/// A pong that is waited for.
struct Awaited {
    since: Instant,
    /// What had been sent before the ping.
    sent_bytes: u64,
    /// What the kernel had taken at the last look.
    taken_bytes: u64,
    /// How often it has taken nothing since.
    looks: u32,
}

impl Heartbeat {
    /// A connection that begins now.
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            deadline: now + Duration::from_millis(settings.connect_timeout_ms),
            expects: Expects::Connect,
            seen_bytes: 0,
        }
    }

    /// When to ask [`Self::beat`] again.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whole seconds between pings, rounded up, as the client is told.
    pub(super) fn interval_s(settings: &Settings) -> u32 {
        u32::try_from(interval(settings).as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
    }

    /// The client has connected. The first ping comes after half an interval to a whole one, as `random` has it, so that
    /// clients that connect together are not pinged together.
    pub(super) fn connected(&mut self, settings: &Settings, now: Instant, random: u64) {
        let half = interval(settings) / 2;
        let share = (random % 1_000) as u32;
        self.deadline = now + half + half * share / 1_000;
        self.expects = Expects::Nothing;
    }

    /// The client answered a ping. False: there was none.
    #[must_use]
    pub(super) fn pong(&mut self, settings: &Settings, now: Instant) -> bool {
        let Expects::Pong(awaited) = &self.expects else { return false };
        let Awaited { since, sent_bytes, .. } = **awaited;
        self.seen_bytes = sent_bytes;
        self.expects = Expects::Nothing;
        self.deadline = now.max(since + interval(settings));
        true
    }

    /// What to do at `now`. `sent_bytes` is all that was ever sent, `taken_bytes` what of it the kernel has taken; `busy` says
    /// that something waits to be sent, or that what the client sent is not read at the moment.
    pub(super) fn beat(
        &mut self,
        settings: &Settings,
        now: Instant,
        sent_bytes: u64,
        taken_bytes: u64,
        busy: bool,
    ) -> Beat {
        let pong_timeout = Duration::from_millis(settings.pong_timeout_ms.max(1));
        if now < self.deadline {
            return Beat::Wait;
        }
        match &mut self.expects {
            Expects::Connect => Beat::Stale,
            Expects::Nothing => {
                self.expects = Expects::Pong(Box::new(Awaited { since: now, sent_bytes, taken_bytes, looks: 0 }));
                self.deadline = now + pong_timeout;
                Beat::Ping
            }
            Expects::Pong(awaited) => {
                let slow = busy || sent_bytes.saturating_sub(self.seen_bytes) > IN_FLIGHT_BYTES;
                // Slowness ends no connection, as long as the client takes something now and then.
                awaited.looks = if taken_bytes > awaited.taken_bytes { 0 } else { awaited.looks + 1 };
                awaited.taken_bytes = taken_bytes;
                if !slow || pong_timeout * awaited.looks >= Duration::from_millis(settings.stalled_timeout_ms) {
                    return Beat::NoPong;
                }
                self.deadline = now + pong_timeout;
                Beat::Wait
            }
        }
    }
}

fn interval(settings: &Settings) -> Duration {
    Duration::from_millis(settings.ping_interval_ms.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_silent_client_is_given_up_and_a_slow_one_is_not() {
        let start = Instant::now();
        let settings = Settings::default();
        let mut heartbeat = Heartbeat::new(&settings, start);
        let beat = |heartbeat: &mut Heartbeat, at, sent, taken, busy| {
            heartbeat.beat(&settings, start + seconds(at), sent, taken, busy)
        };
        assert_eq!(beat(&mut heartbeat, 14, 0, 0, false), Beat::Wait);
        assert!(!heartbeat.pong(&settings, start), "no ping was sent");
        heartbeat.connected(&settings, start, 0);
        assert_eq!(heartbeat.deadline(), start + seconds(25) / 2);
        assert_eq!(beat(&mut heartbeat, 13, 100, 100, false), Beat::Ping);
        assert!(heartbeat.pong(&settings, start + seconds(14)));
        assert!(!heartbeat.pong(&settings, start + seconds(14)), "answered twice");
        assert_eq!(beat(&mut heartbeat, 38, 100, 100, false), Beat::Ping);
        assert_eq!(beat(&mut heartbeat, 48, 1 << 20, 0, false), Beat::Wait, "much is on its way");
        for look in 1..=30 {
            assert_eq!(beat(&mut heartbeat, 48 + 10 * look, 1 << 20, look, true), Beat::Wait, "it reads on");
        }
        for look in 31..=41 {
            assert_eq!(beat(&mut heartbeat, 48 + 10 * look, 1 << 20, 30, true), Beat::Wait, "{look}");
        }
        assert_eq!(beat(&mut heartbeat, 468, 1 << 20, 30, true), Beat::NoPong, "120 s without a byte");
    }

    #[test]
    fn without_connect_it_is_stale_and_without_pong_it_is_over() {
        let start = Instant::now();
        let settings = Settings::default();
        let mut heartbeat = Heartbeat::new(&settings, start);
        assert_eq!(heartbeat.beat(&settings, start + seconds(15), 0, 0, false), Beat::Stale);
        heartbeat.connected(&settings, start, 999);
        assert_eq!(heartbeat.beat(&settings, start + seconds(25), 200, 200, false), Beat::Ping);
        assert_eq!(heartbeat.beat(&settings, start + seconds(35), 300, 300, false), Beat::NoPong);
    }
}
