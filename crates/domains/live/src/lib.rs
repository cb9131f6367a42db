//! The live domain: channels, broadcasts and their life, and the crowd around them.
//!
//! Promise: a broadcast's state is changed by one pure machine and one conditional write, whoever asks and in whatever
//! order the news of its stream arrives. It knows no frames and no sockets: what it wants of others is in [`needs`].

mod asked;
pub mod broadcasts;
pub mod channels;
pub mod crowd;
pub mod feed;
mod group_store;
pub mod hearts;
pub mod needs;
pub mod playbacks;
pub mod reports;
mod settings;
mod stream_key;
#[cfg(test)]
mod testing;
mod together;
pub mod viewers;

use std::sync::Arc;

use ports::sql::Migration;
use utoipa_axum::router::OpenApiRouter;

pub use broadcasts::{Broadcasts, Presenter};
pub use channels::Channels;
pub use feed::Feed;
pub use settings::{HOST_PLACEHOLDER, Settings};

/// The tables of channels and broadcasts, without the crowd's.
pub const MIGRATIONS: &[Migration] = &[
    channels::MIGRATION,
    channels::REFUSALS,
    broadcasts::MIGRATION,
    broadcasts::STREAMS_MIGRATION,
    broadcasts::TAKES_MIGRATION,
];

/// The tables of the whole domain.
pub fn migrations() -> Vec<Migration> {
    [MIGRATIONS, crowd::migrations().as_slice()].concat()
}

/// The documented routes of channels and broadcasts, with their full paths.
pub fn router(channels: Arc<Channels>, presenter: Arc<Presenter>) -> OpenApiRouter {
    channels::router(channels).merge(broadcasts::router(presenter))
}
