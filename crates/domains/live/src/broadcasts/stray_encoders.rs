//! Encoders that were sending when their show was ended: they connect again by themselves, and must not begin the next one.
//!
//! Promise: such an encoder is held off for [`HOLD_MS`] after the end, and for as long as it goes on trying, whichever process it
//! comes to; encoders try after ever longer pauses, so each refusal holds for twice the pause before it. What was refused last is
//! kept with the channel. Lost: nothing that was answered.

use kernel::{BroadcastId, Timestamp};

use crate::channels::Refused;

/// How long after the end, or after a refusal, an encoder is held off at least.
const HOLD_MS: i64 = 60_000;
/// How long a refusal holds at the most: the longest pause of OBS is 15 minutes.
const HOLD_MAX_MS: i64 = 30 * 60_000;

/// Whether an encoder that comes to a channel at `now` is taken for the one under which the show `ended` at `ended_at`. If so, it
/// is held off for longer: the refusal that takes the place of the one `before`.
pub(super) fn refuse(
    before: Option<Refused>,
    ended: BroadcastId,
    ended_at: Timestamp,
    now: Timestamp,
) -> Option<Refused> {
    let before = before.filter(|before| before.ended == ended);
    let before = before.unwrap_or(Refused { ended, at: ended_at, until: ended_at.plus_millis(HOLD_MS) });
    if now >= before.until {
        return None;
    }
    let hold_ms = now.millis_since(before.at).saturating_mul(2).clamp(HOLD_MS, HOLD_MAX_MS);
    let until = now.plus_millis(hold_ms).max(before.until);
    Some(Refused { ended, at: now, until })
}
