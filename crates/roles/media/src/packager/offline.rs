//! Packages a finished list of packets in memory, without a stream around them: for tools, and for the fuzz harness.

use bytes::Bytes;
use kernel::Timestamp;

use super::{Intake, Output, Segmenter};
use crate::frame::Packet;

/// One part, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagedPart {
    /// Which segment it belongs to, from 0.
    pub segment: usize,
    /// Whether its segment follows a discontinuity.
    pub discontinuity: bool,
    /// Where it starts, in 1/90,000 s from the first packet's arrival.
    pub start_ticks: i64,
    /// How long it lasts, in 1/90,000 s.
    pub duration_ticks: i64,
    /// The fragment (`moof` and `mdat`).
    pub bytes: Bytes,
}

/// Packages packets as they came, each at its moment; whatever they are, no error: what cannot be shown is left out.
pub fn package(packets: impl IntoIterator<Item = (Packet, Timestamp)>) -> Vec<PackagedPart> {
    let (mut intake, mut segmenter, mut out) = (Intake::default(), Segmenter::default(), Vec::new());
    let mut start = None;
    for (packet, now) in packets {
        let position_ms = now.millis_since(*start.get_or_insert(now));
        intake.push(packet, now, position_ms, &mut segmenter, &mut out);
    }
    intake.finish(&mut segmenter, &mut out);

    let (mut parts, mut segment, mut follows) = (Vec::new(), 0, false);
    for output in out {
        match output {
            Output::Opened { discontinuity, .. } => follows = discontinuity,
            Output::Part(part) => parts.push(PackagedPart {
                segment,
                discontinuity: follows,
                start_ticks: part.start,
                duration_ticks: part.duration,
                bytes: part.bytes,
            }),
            Output::Closed => segment += 1,
        }
    }
    parts
}
