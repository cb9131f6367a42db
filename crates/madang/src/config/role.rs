//! What a process does.

use serde::Deserialize;

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Everything.
    All,
    /// The realtime connection: of a site, or alone with the channels of the settings.
    Gateway,
    /// The API and the web UI.
    Api,
    /// Players: their sessions, beats and hearts.
    Burst,
    /// What follows from facts.
    Worker,
    /// What is done again and again for the site; one of them at a time does it.
    Batch,
    /// Encoders and playback.
    Media,
}

/// A part of a site that a process may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Realtime,
    Api,
    Crowd,
    Reactions,
    Schedules,
    Media,
}

impl Role {
    /// Whether a process of this role has this part of a site.
    pub(crate) fn has(self, part: Part) -> bool {
        match self {
            Self::All => true,
            Self::Gateway => part == Part::Realtime,
            Self::Api => part == Part::Api,
            Self::Burst => part == Part::Crowd,
            Self::Worker => part == Part::Reactions,
            Self::Batch => part == Part::Schedules,
            Self::Media => part == Part::Media,
        }
    }
}
