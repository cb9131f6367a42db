//! What a site of several processes goes through while people write and tap: nothing that was taken is lost or doubled, hearts and
//! counts are right to the last one. Each tells what it has cost in a line (`make test-faults` makes a table of them).
//!
//! `MADANG_TEST_FAULTS=full` makes faults as long and crowds as large as docs/promises.md says; without it they take seconds. What is left to
//! chance follows from `MADANG_TEST_SEED`, or from the moment, and is told.

#[cfg(feature = "cassandra")]
mod cassandra;
mod clock;
mod crowd;
#[cfg(feature = "kafka")]
mod kafka;
mod load;
mod network;
mod postgres;
mod reckoning;
mod replacing;
mod work;
mod yard;

use std::time::Duration;

use kernel::random::mix;

pub(crate) use self::reckoning::line;
use crate::site::PATIENCE;

fn is_full() -> bool {
    std::env::var("MADANG_TEST_FAULTS").as_deref() == Ok("full")
}

/// How long an engine is away.
fn away() -> Duration {
    Duration::from_secs(if is_full() { 60 } else { 3 })
}

/// How long anybody may wait for an answer before the test fails.
fn patience() -> Duration {
    away() + PATIENCE
}

/// How many write, and how many tap.
fn people() -> usize {
    if is_full() { 24 } else { 4 }
}

/// What is left to chance.
struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    fn new() -> Self {
        let of_the_moment = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64 % 1_000_000;
        let seed = std::env::var("MADANG_TEST_SEED").ok().map_or_else(of_the_moment, |seed| seed.parse().unwrap());
        Self { seed, drawn: 0 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        mix(self.seed << 8 | self.drawn) % bound
    }

    /// How many answers each gets before the fault: it comes in the middle of something else each time.
    fn soon(&mut self) -> u64 {
        3 + self.below(8)
    }
}
