//! What a broadcast is, what media is to do with it, and what a new one must look like.

use kernel::{AccountId, BroadcastId, ChannelId, Timestamp, events::live::BroadcastState};

use super::{Error, lifecycle::Life};
use crate::needs::{Show, Stage};

/// How far ahead a broadcast may be scheduled, in milliseconds: 366 days.
const SCHEDULE_AHEAD_MS: i64 = 366 * 24 * 3_600 * 1_000;

/// Whether there is a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Not known yet: the broadcast runs, or its end is being sealed.
    Pending,
    /// It can be watched.
    Kept,
    /// There was none, or it was removed.
    Gone,
}

/// One show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// The show.
    pub id: BroadcastId,
    /// The channel it is shown on.
    pub channel: ChannelId,
    /// Whose it is.
    pub host: AccountId,
    /// Its title.
    pub title: String,
    /// Where it is in its life.
    pub life: Life,
    /// Its recording.
    pub recording: Recording,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows by one with each change; a write names the version it saw.
    pub version: i64,
}

impl Broadcast {
    /// What media is to do with its stream.
    pub fn stage(&self) -> Stage {
        match self.life.state {
            BroadcastState::Created | BroadcastState::Ready => Stage::Preview,
            BroadcastState::Live => {
                // A show that is live has begun.
                let began = self.life.timeline_start.or(self.life.started_at);
                Stage::Live { timeline_start: began.unwrap_or(self.created_at) }
            }
            BroadcastState::Paused => Stage::Paused,
            BroadcastState::Ended => Stage::Ended,
        }
    }

    /// As much of it as counting its crowd needs.
    pub fn show(&self) -> Show {
        Show {
            host: self.host,
            state: self.life.state,
            stream: self.life.stream,
            started_at: self.life.started_at,
            timeline_start: self.life.timeline_start,
            ended_at: self.life.ended_at,
        }
    }
}

/// Which process has a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlace {
    /// Names its spool.
    pub owner: String,
    /// Where other processes of the site reach it.
    pub address: String,
}

/// What a host says of a new broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its title.
    pub title: String,
    /// Whether it goes live when its stream arrives.
    pub auto_start: bool,
    /// When it is to become ready; at once if absent or past.
    pub scheduled_at: Option<Timestamp>,
}

impl Draft {
    /// The draft as it can be kept: the title in its form, the schedule not too far ahead.
    pub(super) fn checked(self, now: Timestamp) -> Result<Self, Error> {
        let title = crate::channels::checked_title(&self.title)?;
        if self.scheduled_at.is_some_and(|due| due.millis_since(now) > SCHEDULE_AHEAD_MS) {
            return Err(Error::ScheduledTooFar);
        }
        Ok(Self { title, ..self })
    }
}
