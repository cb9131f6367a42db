//! Redis: one server, or a cluster, which is found out by asking; Valkey is the same. What stands here can be lost at any
//! moment and is then made anew: nothing is kept in Redis alone.
//!
//! Names are `{service}|{phase}|{key}`, so that several sites and their phases can share a cluster. Whatever belongs to one
//! room or channel carries its name as the hash tag and so stands in one slot.

mod bus;
mod connect;
mod gatherings;
mod hearing;
mod parcel;
mod slots;

pub use bus::RedisBus;
pub use connect::{Names, RedisServers};
pub use gatherings::RedisGatherings;
