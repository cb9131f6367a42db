//! The promises Madang stands on: small traits, each saying what it delivers, in which order, how atomically, and what
//! may be lost on which engine. The keepers of these promises live in `engines`.

pub mod about;
pub mod blobs;
pub mod broker;
pub mod bus;
#[cfg(feature = "contract")]
pub mod contract;
pub mod event_log;
pub mod gatherings;
pub mod leases;
pub mod room_log;
pub mod sql;
pub mod work;

pub use sqlx;
