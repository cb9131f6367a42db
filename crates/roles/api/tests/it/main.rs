//! The HTTP shell over real connections.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own tools fail the test")]

mod cors;
mod hostile;
mod http2;
mod layers;
mod lifecycle;
mod server;
mod surface;
