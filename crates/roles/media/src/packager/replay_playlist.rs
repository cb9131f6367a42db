//! The playlist of a finished broadcast: every segment, from the first to the last.

use bytes::Bytes;
use kernel::Timestamp;

use super::{
    listing::{Listing, target_duration_s},
    segment::Segment,
};

/// Writes the whole show as a playlist that will never change (`PLAYLIST-TYPE:VOD`).
pub(crate) fn render(timeline_start: Timestamp, segments: &[Segment]) -> Bytes {
    let longest = segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
    let mut list = Listing::new(String::with_capacity(128 * segments.len() + 256), timeline_start);
    let target_s = target_duration_s(longest);
    list.line(format_args!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s}\n#EXT-X-PLAYLIST-TYPE:VOD"));
    let first = segments.first().map_or(0, |segment| segment.sequence);
    list.line(format_args!("#EXT-X-MEDIA-SEQUENCE:{first}"));
    if segments.iter().all(|segment| segment.independent) {
        list.line(format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    }
    for segment in segments {
        list.lead(segment);
        list.segment(segment);
    }
    list.line(format_args!("#EXT-X-ENDLIST"));
    list.text.into()
}
