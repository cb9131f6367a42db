//! The realtime edge: speaks the Centrifuge client protocol v2, in JSON and Protobuf, over WebSocket and where that does not
//! get through over HTTP.
//!
//! Promise: a client receives every publication of a recoverable channel once and in order, from the position it asked
//! for; what the bus loses and what the client missed is read from the room log. Commands of a connection are answered
//! in their order. A client is never dropped for being slow alone: it has a cursor per channel, not a queue, and reads
//! on from the room log when it falls behind what is in memory. What is not kept (channels without a room) may be
//! skipped by a reader that is behind. It knows channels and bytes; what they mean is the business of others
//! ([`needs`]).
//!
//! Layers, each knowing only the ones before it: `protocol` (bytes), `hub` (channels), `connection` (one client's
//! session), `upgrade` and `fallbacks` (HTTP). Beside them, for whoever brings a backend of their own: `tokens` (who a client is),
//! `namespaces` (channels by configuration), `server_api`.

mod admission;
mod connection;
mod control;
mod fallbacks;
mod fleet;
mod gateway;
mod hub;
pub mod namespaces;
pub mod needs;
pub mod protocol;
mod registry;
mod sent_away;
pub mod server_api;
pub mod settings;
pub mod tokens;
mod upgrade;
mod websocket;

#[doc(hidden)]
pub use connection::echo;
pub use control::{ChannelSummary, ClientConnection, HistoryPage, Info, PastPublication, PresenceStats, Target};
pub use fleet::{NotMoved, Profile};
pub use gateway::Gateway;
pub use settings::Settings;
#[doc(hidden)]
pub use websocket::read_frames;
