//! The feed: what everyone who watches a broadcast is told about it, on `live:{broadcast}`.
//!
//! Promise: the latest state, at most twice a second per broadcast and only when it changed; one schedule does it for
//! all. Publications are values, not steps: whoever missed one is right again with the next, and a new subscriber gets
//! the present one with the answer. Lost: every value but the latest.
//! Limits: [`BROADCASTS_MAX`] broadcasts are told about at once, the newest first.

mod service;
mod state;
#[cfg(test)]
mod tests;

pub use service::{BROADCASTS_MAX, Feed};
