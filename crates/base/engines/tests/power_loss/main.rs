//! The room log on SQLite through losses of power: what was acknowledged is on the disk.
//!
//! A `kill -9` alone shows nothing, because the page cache survives it. So the log runs in a process of its own, over a
//! disk that has only what was synced (`unsynced_writes.c`, preloaded); the process is killed in the middle of its
//! work, and that disk is opened. The same test with a database that does not wait for the disk must find losses:
//! otherwise it would prove nothing.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this is a test"
)]

mod disk;
mod writing;

use disk::{Machine, Outcome};
use writing::Syncing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives() {
    let machine = Machine::build();
    let (mut acknowledged, mut largest) = (0, 0);
    for seed in 0..6 {
        let outcome = machine.lose_power(Syncing::AsInProduction, seed, 40 + 400 * seed as usize).await;
        let Outcome::Survived { entries, checkpointed_bytes } = outcome else { panic!("seed {seed}: {outcome:?}") };
        acknowledged += entries;
        largest = largest.max(checkpointed_bytes);
    }
    assert!(largest > 1 << 20, "no power was lost after a checkpoint; the largest database has {largest} bytes");
    println!("{acknowledged} acknowledged entries stood after 6 losses of power");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_wait_for_the_disk_is_found_out() {
    let machine = Machine::build();
    // With 800 groups there is a checkpoint before the end, with 100 there is none.
    for (syncing, groups) in [(Syncing::Normal, 800), (Syncing::Normal, 100), (Syncing::Off, 100)] {
        let mut lost = None;
        // Right behind a checkpoint there is nothing to be lost: then power is lost at another moment.
        for seed in (groups as u64..).take(4) {
            if let Outcome::Lost(what) = machine.lose_power(syncing, seed, groups).await {
                lost = Some(what);
                break;
            }
        }
        println!("{syncing:?}: {}", lost.expect("what was acknowledged and not synced is lost"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that is killed; the other tests start it"]
async fn writes_until_it_is_killed() {
    writing::write_for_ever().await;
}
