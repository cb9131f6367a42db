//! The recording: segments are spooled to the local disk as they grow, become blobs when they are complete, and after
//! the end make up the replay.
//!
//! Promise: a process that is killed at any byte loses at most the part that was being written; the stream is never held
//! up by the disk: when the disk is slower than the stream, or full, the recording has a gap, which is logged, and goes on
//! with the next segment that fits.
//!
//! Layout of the spool: `{data_dir}/spool/owner` (see [`folder`]), and in `{data_dir}/spool/{broadcast}/`
//! (of later takes, `{broadcast}.{take}/`) `journal.jsonl` (see [`entry`]), `init-N.mp4`, `seg-N.m4s`.
//! Layout of the blobs: `recordings/{broadcast}/init-N.mp4`, `…/seg-N.m4s`, `…/thumbnail.jpg`, and, once a take is over
//! and all of it is kept, `replays/{broadcast}/{time of its end, ms}.json` (of later takes, `…-{take}.json`); `site/{mark}`, by which a site knows its own
//! blobs.

mod disk;
mod entry;
mod files;
mod folder;
mod index;
mod journal;
mod recorder;
mod replays;
mod restore;
mod sealing;
mod show_take;
mod spool;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use folder::SpoolFolder;
pub use replays::Replays;

pub(crate) use files::{init_key, is_spooled, read_file, segment_key, thumbnail_key};
pub(crate) use index::ReplayIndex;
pub(crate) use recorder::{Follower, Recorder, Recording, Restored};
pub(crate) use show_take::ShowTake;
