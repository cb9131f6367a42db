//! The playback half as a whole: packets in at one end, playlists and segments out at the other, judged by ffmpeg.

mod clips;
mod codecs;
mod show;

