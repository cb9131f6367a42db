//! FLV: the bodies of audio, video and data tags, legacy and enhanced (FLV 10.1 annex E.4; Enhanced RTMP v2), and files
//! of tags.
//!
//! Promise: [`Unpacker`] turns tags into frames without copying them. It loses tracks beyond the first of a multitrack
//! tag, nanosecond offsets, and frames that come before their codec's configuration.

mod audio;
mod clip;
mod error;
mod file;
mod four_cc;
mod metadata;
mod mod_ex;
mod multitrack;
#[cfg(test)]
mod tests;
mod unpacker;
mod video;

pub use clip::Clip;
pub use error::FlvError;
pub use file::{FileError, read_file};
pub use unpacker::Unpacker;
