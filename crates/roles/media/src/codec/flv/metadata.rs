//! `onMetaData`: what an encoder says of itself (FLV 10.1 section E.5).

use crate::{
    codec::amf0::{Reader, Value},
    frame::Metadata,
};

/// Names are cut to this length: they are shown to people.
const ENCODER_CHARS_MAX: usize = 100;

/// Reads a data tag; `None` when it is something else, or unreadable: these are hints only.
pub(super) fn read(body: &[u8]) -> Option<Metadata> {
    let mut reader = Reader::new(body);
    let mut name = reader.next_value().ok()??;
    if name.as_str() == Some("@setDataFrame") {
        name = reader.next_value().ok()??;
    }
    if name.as_str() != Some("onMetaData") {
        return None;
    }
    let values = reader.next_value().ok()??;
    let encoder = values.get("encoder").and_then(Value::as_str).filter(|encoder| !encoder.is_empty());
    let frame_rate = ["framerate", "fps", "videoframerate"].iter().find_map(|name| values.get(name)?.as_number());
    Some(Metadata {
        encoder: encoder.map(|encoder| encoder.chars().take(ENCODER_CHARS_MAX).collect()),
        frame_rate: frame_rate.filter(|rate| rate.is_finite() && *rate > 0.0),
    })
}
