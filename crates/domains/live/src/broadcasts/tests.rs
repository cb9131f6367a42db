//! Broadcasts on both SQL engines.

mod http;
mod keys;
mod life;
mod media;
mod processes;
mod races;
