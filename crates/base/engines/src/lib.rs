//! The keepers of the promises in `ports`: what a small site runs on, embedded in the binary, and one folder per
//! engine that takes over when one machine is not enough. It knows no domain.

#[cfg(feature = "cassandra")]
pub mod cassandra;
pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod redis;
mod room_groups;
#[cfg(feature = "s3")]
pub mod s3;
pub mod sql;
pub mod system;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
