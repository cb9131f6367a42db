//! Whole-application tests: the real binary, real encoders, real clients. One file per thing a person does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

mod accounts;
mod acme;
mod addresses;
mod arrivals;
mod authority;
mod browser;
mod bursts;
mod cable;
#[cfg(feature = "cassandra")]
mod cassandra;
mod chat;
mod crash;
mod crowd;
mod demo;
mod disk_full;
mod dump;
mod encoder;
mod fallbacks;
mod faults;
mod fleet;
mod fleet_faults;
mod forgetful_disk;
mod gateway_alone;
mod going_live;
mod ground;
mod hostile;
mod http2;
#[cfg(feature = "kafka")]
mod kafka;
mod media_nodes;
mod moving;
mod openapi;
mod outage;
mod owning;
mod parts;
mod realtime;
mod replay;
mod resuming;
mod rtmps;
#[cfg(feature = "s3")]
mod s3;
mod sdks;
mod secure;
mod signed_in;
mod site;
mod site_settings;
mod surface;
mod tls;
