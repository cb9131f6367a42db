//! The first moments of a publisher session, kept so that a show that goes live at once loses none of them.
//!
//! A show that starts by itself goes live a moment after its first frames came; the next keyframe may be ten seconds
//! away. A host who previews first takes longer than this, and nothing of the preview is shown.

use kernel::Timestamp;

use crate::frame::Packet;

/// How long the first moments last; shorter than a segment, so that no preview can have been watched.
const LENGTH_MS: i64 = 1_500;
/// How much they may hold.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The first packets of a session, while it is young.
#[derive(Debug)]
pub(super) enum Head {
    Young { since: Option<Timestamp>, bytes: usize, packets: Vec<(Packet, Timestamp)> },
    Over,
}

impl Head {
    pub(super) fn new() -> Self {
        Self::Young { since: None, bytes: 0, packets: Vec::new() }
    }

    pub(super) fn remember(&mut self, packet: &Packet, now: Timestamp) {
        let Self::Young { since, bytes, packets } = self else { return };
        let age_ms = now.millis_since(*since.get_or_insert(now));
        *bytes += match packet {
            Packet::Video { data, .. } | Packet::Audio { data, .. } => data.len() + 64,
            _ => 1_024,
        };
        if age_ms > LENGTH_MS || *bytes > BYTES_MAX {
            *self = Self::Over;
        } else {
            packets.push((packet.clone(), now));
        }
    }

    /// The packets from the very first on, if the session is still young.
    pub(super) fn take(&mut self) -> Option<Vec<(Packet, Timestamp)>> {
        match std::mem::replace(self, Self::Over) {
            Self::Young { packets, .. } => Some(packets),
            Self::Over => None,
        }
    }
}
