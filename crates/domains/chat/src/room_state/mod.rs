//! The state of a room as its page needs it at the start: modes, emotes, the pinned message, and what the caller may do.
//!
//! It changes nothing and promises nothing of its own.

mod http;
mod service;
#[cfg(test)]
mod tests;

pub use http::router;
pub use service::{OwnStanding, RoomState, RoomStates};
