//! The HTTP shell: everything about a request that is not the business of one slice.
//!
//! Promise: whatever a client sends or fails to send, the others are served; what is documented answers in JSON, errors as
//! `application/problem+json`; a panic in a handler is one 500. It finds out who asks, holds limits, merges the OpenAPI
//! document, serves the web UI's files, and drains on shutdown. It knows no domain: the binary hands it their routers.
//!
//! Three kinds of routes: *documented* ones get every layer; *lean* ones (hearts, beats, media) only a client address and
//! a bounded body, and those of them that players ask for all the time (`direct`) not even a router; *takeovers*, which end
//! HTTP on their connection, the check of their Origin. What may be lost: rate limits' counts, when a process stops.

mod accept;
mod body;
mod connection;
mod cors;
mod doorway;
mod entrance;
mod front;
mod gzip;
mod layers;
mod needs;
mod openapi;
mod origin;
mod pages;
mod places;
mod problems;
mod proxies;
mod routes;
mod settings;
mod shell;
mod socket;
mod stream;
mod system;
mod timer;
mod visit;

pub use needs::{Authenticator, Check, Readiness};
pub use openapi::openapi;
pub use origin::{InvalidOrigin, Origin, Origins};
pub use proxies::{ForwardedHeader, Network};
pub use settings::{PublicUrl, Settings};
pub use shell::{Parts, Shell, Tls};
pub use system::Site;
