//! Sessions: how people stay signed in.
//!
//! Promise: a token is 256 random bits and kept only hashed; a session ends when its owner signs out, changes the
//! password elsewhere, or leaves it unused for `session_lifetime_days`. A sign-in with the old password that races a
//! change of it does not survive the change. When a session ends, its connections are told to prove again who they are within two
//! seconds, wherever they are ([`needs::Connections`]). What may be lost: up to a day of a session's last use.

mod attempts;
mod cache;
mod device;
mod error;
mod http;
mod jobs;
mod model;
pub mod needs;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use device::Device;
pub use error::Error;
pub use http::router;
pub use jobs::{EndedSessions, ExpiredSessions};
pub use model::{NewPassword, OpenSession, SignIn, SignedInAnswer};
pub use service::Sessions;
pub use store::{ENDS_MIGRATION, MIGRATION};
