//! The words of Madang: ids, time, pages, limits, the caller, and the events slices tell each other.
//!
//! Promise: plain data with pure rules. It performs no input or output, starts no task, and reads neither a clock nor a
//! random source: both are passed in (`Clock` is only the trait).

pub mod adjustable;
pub mod caller;
pub mod events;
pub mod ids;
pub mod limits;
pub mod page;
pub mod problem;
pub mod random;
pub mod rate;
pub mod recent;
pub mod returning;
pub mod time;

pub use adjustable::Adjustable;
pub use caller::{Caller, Identity};
pub use ids::*;
pub use page::Page;
pub use problem::Problem;
pub use random::Random;
pub use rate::{Rate, RateLimiter};
pub use time::{Clock, Timestamp};
