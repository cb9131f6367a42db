//! The promises as tests: a suite per port, run by the tests of every engine that keeps it.
//!
//! A suite panics where a promise is broken and says which.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken promise must fail the test loudly"
)]

pub mod blobs;
pub mod bus;
pub mod gatherings;
pub mod room_log;
