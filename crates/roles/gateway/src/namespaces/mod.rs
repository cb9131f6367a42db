//! Channels that are described by the configuration instead of by a domain, and clients that bring a token.
//!
//! Promise: what a channel offers is decided by its name (`namespace:rest`) and its namespace's options alone, for every client
//! anew. A publication into a channel with history has a contiguous offset; in a `durable` namespace it is acknowledged when
//! the room log of the site has it for good and subscribers recover from any position, in the others history is a window in the
//! memory of this process, and a subscriber that comes from outside it is told so (`recovered: false`).
//!
//! Limits: those of [`sequencer`]; publications of up to 16 KiB where history is kept.
//!
//! Lost when the process ends: what only a window held. Its channels begin with another epoch.

mod channel_name;
mod channels;
mod client_settings;
mod connector;
mod options;
mod publishing;
mod span;
#[cfg(test)]
mod tests;

pub use channels::Namespaces;
pub(crate) use channels::told;
pub use client_settings::{ClientSettings, PersonalChannel};
pub use connector::TokenConnector;
pub use options::{ChannelOptions, DeltaType};
pub(crate) use publishing::ToPublish;
pub use publishing::{Publishing, Windows};
pub use span::Span;
