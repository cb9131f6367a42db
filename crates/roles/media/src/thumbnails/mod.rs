//! A picture of each live show, refreshed at most every 30 s by one `ffmpeg` at a time; without `ffmpeg`, a placeholder.
//!
//! The last picture is kept with the recording. Lost when it cannot be made: nothing but the picture.

mod ffmpeg;
mod keeper;

use bytes::Bytes;

pub(crate) use keeper::Thumbnails;

/// What is shown of a show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Picture {
    /// A frame of it.
    Jpeg(Bytes),
    /// A drawing (SVG), where there is none.
    Placeholder(Bytes),
}

impl Picture {
    /// The drawing that stands for a show without a picture.
    pub(crate) fn placeholder() -> Self {
        Self::Placeholder(Bytes::from_static(include_bytes!("placeholder.svg")))
    }
}
