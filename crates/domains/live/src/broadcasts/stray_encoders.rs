//! Encoders that were sending when their show was ended: they connect again by themselves, and must not begin the next one.
//!
//! Promise: such an encoder is held off for [`HOLD_MS`] after the end, and for as long as it goes on trying; encoders try
//! after ever longer pauses, so each refusal holds for twice the pause before it. At most [`CHANNELS_MAX`] channels are
//! remembered. Lost with a process that dies: how long an encoder has been trying; the end itself is in the store.

use std::sync::{Mutex, PoisonError};

use kernel::{BroadcastId, ChannelId, Timestamp, recent::Recent};

/// How long after the end, or after a refusal, an encoder is held off at least.
const HOLD_MS: i64 = 60_000;
/// How long a refusal holds at the most: the longest pause of OBS is 15 minutes.
const HOLD_MAX_MS: i64 = 30 * 60_000;
const CHANNELS_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct StrayEncoders(Mutex<Recent<ChannelId, Refused>>);

#[derive(Debug, Clone, Copy)]
struct Refused {
    /// The show that ended under the encoder.
    ended: BroadcastId,
    at: Timestamp,
    until: Timestamp,
}

impl StrayEncoders {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(CHANNELS_MAX)))
    }

    /// Whether an encoder that comes to the channel at `now` is taken for the one under which the show `ended` at
    /// `ended_at`. If so, it is held off for longer.
    pub(super) fn refuse(&self, channel: ChannelId, ended: BroadcastId, ended_at: Timestamp, now: Timestamp) -> bool {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = refused.get(&channel).copied().filter(|before| before.ended == ended);
        let before = before.unwrap_or(Refused { ended, at: ended_at, until: ended_at.plus_millis(HOLD_MS) });
        if now >= before.until {
            refused.remove(&channel);
            return false;
        }
        let hold_ms = now.millis_since(before.at).saturating_mul(2).clamp(HOLD_MS, HOLD_MAX_MS);
        let until = now.plus_millis(hold_ms).max(before.until);
        refused.insert(channel, Refused { ended, at: now, until });
        true
    }
}
