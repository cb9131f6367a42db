//! The media role: takes published streams in, packages them for playback, records them.
//!
//! Promise: it knows stream keys and frames, and nothing of people's rules; whom to admit and what a broadcast is doing
//! it asks through [`needs`].

pub mod codec;
pub mod frame;
pub mod ingest;
pub mod needs;
mod packager;
mod playback;
mod recording;
mod service;
mod settings;
mod stream;
mod streams;
mod take;
mod thumbnails;

pub use packager::{
    health::{AudioHealth, StreamHealth, VideoHealth, Warning},
    offline::{PackagedPart, package},
};
pub use recording::{Replays, SpoolFolder};
pub use service::MediaService;
pub use settings::MediaSettings;
pub use stream::Stage;
pub use take::Take;
