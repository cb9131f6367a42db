//! Hearts: the taps of viewers, batched by their players, counted in memory, kept in groups.
//!
//! Promise: a batch counts wholly or not at all, and once: each has a number (`seq`) that grows within its session, and
//! which numbers are kept is kept in the same transaction as the counts. Sending the last batch again is answered like the
//! first time and counts nothing; an older one is refused. A batch that was sent to two processes is kept once, and
//! batches that several processes took are all kept, in whatever order. What is impossible for a person is refused with
//! the reason: more taps than fingers can do, positions outside of what the session can have seen, a show that is not on.
//! Hearts count for a person: a session that was issued without an account gives none. Those tapped in the last moments of
//! a show count when they arrive within ten seconds of its end.
//!
//! **Two totals.** The answer to a batch counts it at once. What everybody is shown ([`Hearts::total`]) are kept hearts
//! only, at most half a second younger, so it never goes back, not even when the process dies.
//!
//! Lost with a process that dies: batches of its last second. A store that fails delays; nothing is dropped, and beyond
//! a limit new batches are refused rather than forgotten.

mod batch;
mod error;
mod giver;
mod http;
mod jobs;
mod kept;
mod numbers;
mod service;
mod settings;
mod store;
mod sums;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use batch::LATE_MS;
pub use batch::{Batch, HeartsAnswer};
pub use error::Error;
pub use http::{lean_router, router};
pub use jobs::KeepHearts;
pub use kept::KeptHearts;
pub use service::Hearts;
pub use settings::Settings;
pub use store::MIGRATIONS;
pub(crate) use store::{fans, totals};
