//! What the segmenter hands on, in order.

use std::sync::Arc;

use bytes::Bytes;

use super::{init::Init, sample::Ticks};

/// A piece of a segment: one fragment (`moof` and `mdat`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it starts on the broadcast's timeline.
    pub(crate) start: Ticks,
    /// How long it lasts.
    pub(crate) duration: Ticks,
    /// Whether decoding can begin in it.
    pub(crate) independent: bool,
    /// The fragment.
    pub(crate) bytes: Bytes,
}

/// One step of the packaged stream.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// A segment begins.
    Opened {
        /// Where it starts on the broadcast's timeline.
        start: Ticks,
        /// What a decoder must know for it.
        init: Arc<Init>,
        /// Whether times or settings do not go on from the segment before.
        discontinuity: bool,
        /// Whether decoding can begin at its first frame.
        independent: bool,
    },
    /// The open segment grows by a part.
    Part(Part),
    /// The open segment is complete.
    Closed,
}
