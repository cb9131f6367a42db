//! Playback over HTTP: `/live/{broadcast}/…` for live shows and replays alike.
//!
//! Promise: segments, initialisation segments and parts never change under their name and may be cached for ever; a
//! playlist is never cached longer than it is valid; a request that waits, waits for a bounded time; what is in memory is
//! answered from there without a copy. What another process packages is asked of it, once for all who want it here. A show that is not public yet is shown to those who may preview it, and to nobody
//! else is there anything at its address.

mod access;
mod answers;
mod cache;
mod elsewhere;
mod error;
mod file_name;
mod flights;
mod handlers;
mod live;
mod range;
mod replay;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use cache::ByteCache;
pub(crate) use flights::Flights;
pub(crate) use handlers::router;
