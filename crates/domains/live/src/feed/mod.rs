//! The feed: what everyone who watches a broadcast is told about it, on `live:{broadcast}`.
//!
//! Promise: the latest state, at most twice a second per broadcast and when it changed; one schedule does it for all, in one
//! process of a site. Publications are values, not steps: whoever missed one is right again with the next, and a new
//! subscriber gets the present one with the answer. A bus may lose one, so the latest is told again every five seconds while
//! a show is on air and for a minute after its end. Lost: every value but the latest.
//! Limits: [`BROADCASTS_MAX`] broadcasts are told about at once, the newest first.

mod service;
mod state;
#[cfg(test)]
mod tests;

pub use service::{BROADCASTS_MAX, Feed};
