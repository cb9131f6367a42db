//! What the routes take and give.

use kernel::{Timestamp, events::live::BroadcastState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::broadcasts::{BroadcastView, Draft, Error};

/// A broadcast to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewBroadcast {
    /// 1 to 120 characters.
    title: String,
    /// Whether it goes live when its stream arrives; otherwise it waits for `start`.
    #[serde(default = "yes")]
    auto_start: bool,
    /// When it is to become ready, at most 366 days ahead; at once if absent.
    scheduled_at: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

impl From<NewBroadcast> for Draft {
    fn from(new: NewBroadcast) -> Self {
        Self { title: new.title, auto_start: new.auto_start, scheduled_at: new.scheduled_at }
    }
}

/// A broadcast as its host sees it once, when it was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnBroadcast {
    /// The broadcast.
    #[serde(flatten)]
    pub(super) broadcast: BroadcastView,
    /// What the encoder shows; good for this broadcast alone, and never shown again.
    pub(super) stream_key: String,
    /// Where the encoder publishes.
    pub(super) ingest_url: String,
}

/// What to change of a broadcast; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BroadcastChange {
    /// 1 to 120 characters.
    pub(super) title: Option<String>,
    /// Whether it goes live when its stream arrives; only before the show.
    pub(super) auto_start: Option<bool>,
}

/// Which broadcasts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// `live` (includes paused), `paused`, `ended`, or of the caller's own: `created`, `ready`.
    state: Option<String>,
    /// The handle of a channel's owner.
    pub(super) channel: Option<String>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Entries on the page: 1 to 200, 50 unless said.
    pub(super) limit: Option<u32>,
}

impl ListQuery {
    /// The state asked for.
    pub(super) fn state(&self) -> Result<Option<BroadcastState>, Error> {
        let Some(word) = self.state.as_deref() else { return Ok(None) };
        match word {
            "created" => Ok(Some(BroadcastState::Created)),
            "ready" => Ok(Some(BroadcastState::Ready)),
            "live" => Ok(Some(BroadcastState::Live)),
            "paused" => Ok(Some(BroadcastState::Paused)),
            "ended" => Ok(Some(BroadcastState::Ended)),
            _ => Err(Error::UnknownState(word.chars().take(32).collect())),
        }
    }
}
