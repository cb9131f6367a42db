//! The playback half as a whole: packets in at one end, playlists and segments out at the other, judged by ffmpeg.

mod bandwidth;
mod changes;
pub(crate) mod clips;
mod codecs;
mod pictures;
mod playlists;
mod previews;
mod replays;
pub(crate) mod show;
mod signed;
