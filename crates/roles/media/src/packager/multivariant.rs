//! The multivariant playlist: the one rendition with its codecs, size, frame rate and measured bandwidth.

use std::fmt::Write;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{bandwidth::Bandwidth, init::Description};

/// What is said about the rendition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(crate) struct Variant {
    /// RFC 6381 names, joined by commas.
    pub(crate) codecs: String,
    /// Width and height in pixels, when there is a picture.
    pub(crate) resolution: Option<(u16, u16)>,
    /// Frames per second, when measured.
    pub(crate) frame_rate: Option<f64>,
    /// Bits per second of the most expensive segments in a row.
    pub(crate) bandwidth_bps: u64,
    /// Bits per second over all segments.
    pub(crate) average_bandwidth_bps: u64,
}

impl Variant {
    /// The rendition so described; bandwidths as measured.
    pub(crate) fn of(description: &Description, frame_rate: Option<f64>, bandwidth: &Bandwidth) -> Self {
        Self {
            codecs: description.codecs.clone(),
            resolution: description.resolution,
            frame_rate: description.resolution.and(frame_rate),
            bandwidth_bps: bandwidth.peak_bps(),
            average_bandwidth_bps: bandwidth.average_bps(),
        }
    }

    /// The same of segments that measure so.
    pub(crate) fn measured(self, bandwidth: &Bandwidth) -> Self {
        let (bandwidth_bps, average_bandwidth_bps) = (bandwidth.peak_bps(), bandwidth.average_bps());
        Self { bandwidth_bps, average_bandwidth_bps, ..self }
    }

    /// Writes the playlist (RFC 8216bis section 4.4.6.2).
    pub(crate) fn render(&self) -> Bytes {
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:9\n");
        let (peak, average) = (self.bandwidth_bps.max(1), self.average_bandwidth_bps.max(1));
        // Writing to a String cannot fail.
        let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}");
        if !self.codecs.is_empty() {
            let _ = write!(text, ",CODECS=\"{}\"", self.codecs);
        }
        if let Some((width, height)) = self.resolution {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if let Some(rate) = self.frame_rate {
            let _ = write!(text, ",FRAME-RATE={rate:.3}");
        }
        text.push_str("\nmedia.m3u8\n");
        text.into()
    }
}
