//! The live media playlist (RFC 8216bis section 4.4): parts, preload hint, delta updates.

use bytes::Bytes;

use super::{
    listing::{Listing, seconds},
    part_target::PartTarget,
    segment::HeldSegment,
    window::Window,
};

/// Parts are listed for the segments that end within this many target durations of the live edge.
pub(super) const PARTS_LISTED_TARGETS: u64 = 3;
/// A delta update leaves out what is older than this many target durations.
const SKIP_TARGETS: u64 = 6;
/// Players are told to stay this many part lengths behind the live edge.
const HOLD_BACK_PARTS: i64 = 3;

/// Writes the playlist of a window; with `skip`, leaves out what an up-to-date player has.
pub(super) fn render(window: &Window, part_target: PartTarget, skip: bool) -> Bytes {
    let target_s = window.target_duration_s();
    let part_s = seconds(part_target.ticks());
    let hold_back_s = seconds(part_target.ticks() * HOLD_BACK_PARTS);
    let ended = window.has_ended();
    let skip_from = window.played() - ticks_of_seconds(target_s * SKIP_TARGETS);
    let skipped = match skip && !ended {
        true => window.segments().take_while(|held| held.played() < skip_from).count(),
        false => 0,
    };
    // RFC 8216bis section 8: skipping needs version 9.
    let mut list = Listing::new(String::with_capacity(16 * 1024), window.timeline_start());
    list.line(format_args!("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{target_s}"));
    if !ended {
        let skip_until_s = target_s * SKIP_TARGETS;
        list.line(format_args!(
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold_back_s:.3},CAN-SKIP-UNTIL={skip_until_s}.0"
        ));
    }
    list.line(format_args!("#EXT-X-PART-INF:PART-TARGET={part_s:.3}"));
    list.line(format_args!("#EXT-X-MEDIA-SEQUENCE:{}", window.first_sequence()));
    list.line(format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{}", window.discontinuity_sequence()));
    if window.all_independent() {
        list.line(format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    }
    if skipped > 0 {
        list.line(format_args!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"));
    }
    let parts_from = window.played() - ticks_of_seconds(target_s * PARTS_LISTED_TARGETS);
    for held in window.segments().skip(skipped) {
        list.lead(&held.segment);
        if held.played() > parts_from && !ended {
            parts(&mut list, held);
        }
        list.segment(&held.segment);
    }
    if ended {
        list.line(format_args!("#EXT-X-ENDLIST"));
        return list.text.into();
    }
    let (name, index) = match window.open_segment() {
        Some(held) => {
            list.lead(&held.segment);
            parts(&mut list, held);
            (held.segment.name, held.parts.len())
        }
        None => (window.next_name(), 0),
    };
    list.line(format_args!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-{name}.{index}.m4s\""));
    list.text.into()
}

fn parts(list: &mut Listing, held: &HeldSegment) {
    for (index, part) in held.parts.iter().enumerate() {
        let (duration, name) = (seconds(part.duration), held.segment.name);
        let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
        list.line(format_args!("#EXT-X-PART:DURATION={duration:.5},URI=\"part-{name}.{index}.m4s\"{independent}"));
    }
}

fn ticks_of_seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(super::sample::TICKS_PER_SECOND)
}
