//! Every order in which threads can meet at a bell, an errand, and what the realtime gateway makes of both.
//!
//! `cargo test -p doorbell --features loom`

#![cfg(feature = "loom")]
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

mod alarms;
mod bell;
mod errand;
mod handover;
mod task;

/// Runs the model in every order with up to three interruptions of running threads: more find nothing that these do not, and
/// take hours (Burckhardt et al. 2010, "A randomized scheduler with probabilistic guarantees of finding bugs").
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
