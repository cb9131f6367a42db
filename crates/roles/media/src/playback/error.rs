//! Why a file cannot be had.

use kernel::Problem;
use ports::blobs::BlobError;

use crate::needs::NotAdmitted;

/// When to ask again where the store does not answer, in seconds.
const AWAY_S: u64 = 5;

/// Why a request for playback fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaybackError {
    /// No such broadcast, nothing of it to watch, or not for this viewer.
    #[error("there is nothing to watch here")]
    NotFound,
    /// It was there, and has slid out of the window.
    #[error("this part of the show is no longer kept for going back to")]
    Gone,
    /// The stream has just begun, or has stalled, and the wait was long enough.
    #[error("the stream has not come this far; try again")]
    NotYet,
    /// The address admits nobody.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// The process that packages the stream does not answer, or there is none at present.
    #[error("the stream cannot be reached at the moment; try again")]
    Away,
    /// Another process has the stream by now, and is to be asked.
    #[error("the stream is being packaged elsewhere; try again")]
    Moved,
    /// Nobody can tell at present whether there is something to watch.
    #[error("the server cannot tell what there is to watch here; try again")]
    Unavailable,
    /// A blocking request for what lies too far ahead.
    #[error("segment {asked} lies too far ahead of the stream")]
    TooFarAhead { asked: u64 },
    /// `_HLS_part` alone.
    #[error("_HLS_part needs _HLS_msn")]
    PartWithoutSegment,
    /// The byte range lies outside the file.
    #[error("the range lies outside the file, which has {length} bytes")]
    Range { length: usize },
    /// The store failed.
    #[error(transparent)]
    Store(BlobError),
}

impl From<BlobError> for PlaybackError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) | BlobError::InvalidKey(_) => Self::NotFound,
            error @ (BlobError::Engine { .. } | BlobError::Away { .. }) => Self::Store(error),
        }
    }
}

impl From<PlaybackError> for Problem {
    fn from(error: PlaybackError) -> Self {
        let detail = format!("{error}.");
        match error {
            PlaybackError::NotFound => Problem::not_found("nothing_to_watch", detail),
            PlaybackError::Gone => Problem { status: 410, title: "Gone", ..Problem::not_found("segment_gone", detail) },
            PlaybackError::NotYet => Problem::unavailable("not_yet", detail).retry_after(1),
            PlaybackError::NotAdmitted(reason) => match reason {
                NotAdmitted::NotSigned => Problem::forbidden("address_not_signed", detail),
                NotAdmitted::Forged => Problem::forbidden("address_forged", detail),
                NotAdmitted::OtherShow => Problem::forbidden("address_of_another_broadcast", detail),
                NotAdmitted::Expired => Problem::forbidden("address_expired", detail),
                NotAdmitted::Unavailable => Problem::unavailable("unavailable", detail).retry_after(1),
            },
            PlaybackError::Away | PlaybackError::Moved => Problem::unavailable("stream_away", detail).retry_after(1),
            PlaybackError::Unavailable => Problem::unavailable("unavailable", detail).retry_after(1),
            PlaybackError::TooFarAhead { .. } => Problem::bad_request("too_far_ahead", detail).field("_HLS_msn"),
            PlaybackError::PartWithoutSegment => {
                Problem::bad_request("part_without_segment", detail).field("_HLS_part")
            }
            PlaybackError::Range { .. } => {
                Problem { status: 416, title: "Range not satisfiable", ..Problem::bad_request("range_outside", detail) }
            }
            PlaybackError::Store(error @ BlobError::Away { .. }) => {
                tracing::warn!(%error, "a file of a recording cannot be read now");
                Problem::unavailable("recording_away", "The recording cannot be read now. Try again.")
                    .retry_after(AWAY_S)
            }
            PlaybackError::Store(error) => {
                tracing::error!(%error, "a file of a recording cannot be read");
                Problem::internal()
            }
        }
    }
}
