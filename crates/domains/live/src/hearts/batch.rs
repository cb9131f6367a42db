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
        let start = show.timeline_start.or(show.started_at).ok_or(Error::NotLive)?;
        let tolerance = i64::from(settings.position_tolerance_ms);
        let latest = now.millis_since(start).saturating_add(tolerance);
        let could_go_back = i64::from(settings.behind_live_max_ms).saturating_add(tolerance);
        let earliest = session.issued_at.millis_since(start).saturating_sub(could_go_back).max(0);
        let impossible = self.taps.iter().find(|position| !(earliest..=latest).contains(*position));
        impossible.map_or(Ok(()), |position| Err(Error::ImpossiblePosition { position: *position, earliest, latest }))
    }
}

/// Hearts count while a show is on, paused or not.
pub(super) fn check_on(show: &Show) -> Result<(), Error> {
    match show.state {
        BroadcastState::Live | BroadcastState::Paused => Ok(()),
        BroadcastState::Ended => Err(Error::Over),
        BroadcastState::Created | BroadcastState::Ready => Err(Error::NotLive),
    }
}
