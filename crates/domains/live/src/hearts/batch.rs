//! A batch of taps, and the rules of what it may hold. Pure.

use std::borrow::Cow;

use kernel::{Timestamp, events::live::BroadcastState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, Settings};
use crate::{needs::Show, playbacks::Session};

/// The taps of about three seconds.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Batch<'a> {
    /// The session, as it was issued.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// Counts up within the session; gaps are fine.
    #[schema(minimum = 0)]
    pub seq: i64,
    /// Where on the broadcast's timeline each tap was, in milliseconds.
    pub taps: Vec<i64>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeartsAnswer {
    /// Hearts of the broadcast now, this batch among them.
    pub total: u64,
    /// This batch was known already and counted nothing now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// How long after its end a show still takes the hearts of its last moments, in milliseconds: players send every three
/// seconds, and again when an answer was lost.
pub(crate) const LATE_MS: i64 = 10_000;

/// Numbers of batches end here, so that every JavaScript number below is exact.
const SEQ_MAX: i64 = (1 << 53) - 1;

impl Batch<'_> {
    /// What can be said without knowing the show.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), Error> {
        let limit = settings.taps_max();
        if self.taps.len() > limit {
            return Err(Error::TooManyTaps { taps: self.taps.len(), limit });
        }
        if self.taps.is_empty() {
            return Err(Error::NoTaps);
        }
        if !(0..=SEQ_MAX).contains(&self.seq) {
            return Err(Error::ImpossibleSeq(self.seq));
        }
        Ok(())
    }

    /// Whether the session can have seen all the positions by `now`.
    pub(super) fn check_positions(
        &self,
        session: &Session,
        show: &Show,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), Error> {
        let nowhere = if show.ended_at.is_some() { Error::Over } else { Error::NotLive };
        let start = show.timeline_start.or(show.started_at).ok_or(nowhere)?;
        // Nobody can have seen more of a show than there was.
        let shown_until = show.ended_at.map_or(now, |ended_at| ended_at.min(now));
        let tolerance = i64::from(settings.position_tolerance_ms);
        let latest = shown_until.millis_since(start).saturating_add(tolerance);
        let could_go_back = i64::from(settings.behind_live_max_ms).saturating_add(tolerance);
        let earliest = session.issued_at.millis_since(start).saturating_sub(could_go_back).max(0);
        match self.taps.iter().find(|position| !(earliest..=latest).contains(*position)) {
            None => Ok(()),
            Some(position) if show.ended_at.is_some() && *position > latest => Err(Error::Over),
            Some(position) => Err(Error::ImpossiblePosition { position: *position, earliest, latest }),
        }
    }
}

/// Hearts count while a show is on, paused or not, and until [`LATE_MS`] after its end.
pub(super) fn check_on(show: &Show, now: Timestamp) -> Result<(), Error> {
    match show.state {
        BroadcastState::Ended if takes_no_more(show, now) => Err(Error::Over),
        BroadcastState::Live | BroadcastState::Paused | BroadcastState::Ended => Ok(()),
        BroadcastState::Created | BroadcastState::Ready => Err(Error::NotLive),
    }
}

/// Whether the show is over and its last hearts have had their time.
pub(super) fn takes_no_more(show: &Show, now: Timestamp) -> bool {
    let ended_long_ago = show.ended_at.is_none_or(|ended_at| now.millis_since(ended_at) >= LATE_MS);
    show.state == BroadcastState::Ended && ended_long_ago
}
