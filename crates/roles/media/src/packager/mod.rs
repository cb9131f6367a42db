//! The packager: turns one publisher's packets into the parts, segments and playlists of low-latency HLS (RFC 8216bis)
//! with fragmented MP4 (ISO/IEC 14496-12, CMAF).
//!
//! Promise: every frame that can be decoded leaves with its own decoding and presentation time; times only grow; the
//! parts of a segment, put together, are the segment; a file name never stands for two contents. Nothing here performs
//! input or output, and the time is passed in.
//!
//! Lost: frames before the first keyframe, sound that comes before it, and sound that overlaps what was already heard.

mod audio_clock;
mod audio_frames;
mod bandwidth;
mod fragment;
mod init;
mod intake;
mod listing;
mod meter;
mod multivariant;
pub(crate) mod offline;
mod output;
mod part_target;
mod playlist;
mod sample;
mod segment;
mod segmenter;
mod timeline;
mod video_clock;
mod window;

#[cfg(test)]
mod tests;

pub(crate) mod health;
pub(crate) mod replay_playlist;

pub(crate) use bandwidth::Bandwidth;
pub(crate) use init::{Description, Init};
pub(crate) use intake::Intake;
pub(crate) use multivariant::Variant;
pub(crate) use output::Output;
#[cfg(test)]
pub(crate) use output::Part;
pub(crate) use sample::{TICKS_PER_MS, Ticks};
pub(crate) use segment::{Kept, Segment, SegmentName};
pub(crate) use segmenter::Segmenter;
pub(crate) use window::{Change, PartFound, Window, WindowLimits};
