//! How threads tell each other that there is something to do: without a lock, without losing a call, and without waking
//! anybody twice for the same.
//!
//! Promise: who looks after a call was made sees it, and all that its caller did before; who waits is woken by the first call
//! and by no other until it has looked. This is decided by the order of a few atomic operations, so `tests/models` runs
//! every order in which threads can meet ([loom](https://docs.rs/loom), with the feature of that name).

mod bell;
mod errand;
mod sync;

pub use bell::Doorbell;
pub use errand::Errand;
