//! Playback sessions: one per player, issued and signed here, the only credential of beats and hearts.
//!
//! Promise: a session carries who watches what since when, and nobody can make or change one. The key is kept in the
//! database, so a session stays valid over a restart and in every process on that database. Nothing is stored per
//! session, so nothing can be lost. How many sessions an address may ask for and hold is limited ([`Settings`]).

mod error;
mod http;
mod keyed;
pub mod needs;
mod rates;
mod service;
mod session;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod viewer;

pub use error::Error;
pub use http::router;
pub(crate) use rates::Rates;
pub(crate) use service::open_sessions;
pub use service::{Issued, Playbacks, open_tokens};
pub use session::{InvalidSession, Session, Sessions};
pub use settings::Settings;
pub use store::MIGRATIONS;
pub use token::{Admission, Admits, InvalidToken, PlaybackTokens};
pub use viewer::Viewer;
