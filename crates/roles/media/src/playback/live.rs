//! Files of a stream that is in memory.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use super::error::PlaybackError;
use crate::{
    packager::{PartFound, SegmentName},
    stream::Stream,
};

/// How long the first playlist of a stream is waited for.
const FIRST_PLAYLIST_WAIT: Duration = Duration::from_secs(15);
/// How long a blocking request waits while nobody publishes. Players give such a request up after 0.8 target durations
/// and count that as an error; an unchanged playlist they take for what it is.
const BREAK_WAIT: Duration = Duration::from_secs(1);
/// A blocking request waits this many target durations (RFC 8216bis section 6.2.5.2).
const WAIT_TARGETS: u64 = 3;

/// The delivery directives of a playlist request (RFC 8216bis section 6.2.5).
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Directives {
    #[serde(rename = "_HLS_msn")]
    sequence: Option<u64>,
    #[serde(rename = "_HLS_part")]
    part: Option<usize>,
    #[serde(rename = "_HLS_skip")]
    skip: Option<String>,
}

impl Directives {
    /// As a query, with its question mark.
    pub(super) fn query(&self) -> String {
        let numbers = [("_HLS_msn", self.sequence), ("_HLS_part", self.part.map(|part| part as u64))];
        let numbers = numbers.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let skip = if self.skips() { Some("_HLS_skip=YES".to_owned()) } else { None };
        let all: Vec<String> = numbers.chain(skip).collect();
        if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
    }

    fn skips(&self) -> bool {
        matches!(self.skip.as_deref(), Some("YES" | "v2"))
    }
}

/// The media playlist, once it holds what is asked for.
///
/// While nobody publishes (the encoder is away, the host has paused) the playlist as it stands is given after the wait:
/// players take it for a pause, and an error for the end.
pub(super) async fn media(stream: &Arc<Stream>, directives: &Directives) -> Result<Bytes, PlaybackError> {
    if directives.part.is_some() && directives.sequence.is_none() {
        return Err(PlaybackError::PartWithoutSegment);
    }
    let skip = directives.skips();
    let asked = directives.sequence;
    let mut progress = stream.progress();
    let begun = Instant::now();
    loop {
        progress.mark_unchanged();
        if stream.is_elsewhere() {
            return Err(PlaybackError::Moved);
        }
        let target_s = {
            let mut window = stream.window();
            if let Some(playlist) = window.playlist(skip) {
                match asked {
                    Some(sequence) if window.is_too_far(sequence) && !window.has_ended() => {
                        return Err(PlaybackError::TooFarAhead { asked: sequence });
                    }
                    Some(sequence) if !window.holds(sequence, directives.part) => {}
                    _ => return Ok(playlist),
                }
            } else if window.has_ended() {
                return Err(PlaybackError::NotFound);
            }
            window.target_duration_s()
        };
        let wait = match asked {
            None => FIRST_PLAYLIST_WAIT,
            Some(_) if !stream.is_fed() => BREAK_WAIT,
            Some(_) => Duration::from_secs(target_s * WAIT_TARGETS),
        };
        if tokio::time::timeout_at(begun + wait, progress.changed()).await.is_err() {
            let standing = stream.window().playlist(skip).filter(|_| !stream.is_fed());
            return standing.ok_or(PlaybackError::NotYet);
        }
    }
}

/// The multivariant playlist, once the first segment is complete.
pub(super) async fn multivariant(stream: &Arc<Stream>) -> Result<Bytes, PlaybackError> {
    let mut progress = stream.progress();
    let deadline = Instant::now() + FIRST_PLAYLIST_WAIT;
    loop {
        progress.mark_unchanged();
        if stream.is_elsewhere() {
            return Err(PlaybackError::Moved);
        }
        if let Some(variant) = stream.variant() {
            return Ok(variant.render());
        }
        if stream.window().has_ended() {
            return Err(PlaybackError::NotFound);
        }
        if tokio::time::timeout_at(deadline, progress.changed()).await.is_err() {
            return Err(PlaybackError::NotYet);
        }
    }
}

/// A part; the one that the preload hint announces is waited for.
pub(super) async fn part(stream: &Arc<Stream>, name: SegmentName, index: usize) -> Result<Bytes, PlaybackError> {
    let mut progress = stream.progress();
    let begun = Instant::now();
    loop {
        progress.mark_unchanged();
        if stream.is_elsewhere() {
            return Err(PlaybackError::Moved);
        }
        let target_s = {
            let window = stream.window();
            match window.part(name, index) {
                PartFound::Here(bytes) => return Ok(bytes),
                PartFound::Missing if name < window.next_name() => return Err(PlaybackError::Gone),
                PartFound::Missing => return Err(PlaybackError::NotFound),
                PartFound::Soon => window.target_duration_s(),
            }
        };
        let wait = Duration::from_secs(target_s * WAIT_TARGETS);
        if tokio::time::timeout_at(begun + wait, progress.changed()).await.is_err() {
            return Err(PlaybackError::NotYet);
        }
    }
}
