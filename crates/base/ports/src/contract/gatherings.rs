//! What every engine of [`crate::gatherings`] must keep.
//!
//! Each process has gatherings of its own, on the same engine. Not in here, because it needs the engine's own ways: that a process
//! is asked for everything when the engine was emptied.

use std::sync::Arc;

use kernel::Timestamp;

use crate::gatherings::{Gatherings, LEASE_MS, LEFT_REMEMBERED_MS, Movement, Present, Told, UNKEPT_MS, Word};

/// Far in the future, so that an engine that looked at its own clock would be found out.
const BEGIN_MS: i64 = 4_000_000_000_000;
/// Larger than a number of which every integer below is exact in floating point.
const MEMBER: i64 = (1 << 62) + 1;

/// Runs the whole suite on the gatherings of two processes.
pub async fn run(one: &Arc<dyn Gatherings>, other: &Arc<dyn Gatherings>) {
    members_count_once_whoever_hears_of_them(one, other).await;
    who_has_left_is_not_brought_back(one, other).await;
    who_is_not_heard_of_is_there_for_a_lease(one, other).await;
    what_was_given_is_summed_and_what_nobody_says_any_more_is_not(one, other).await;
    gatherings_do_not_know_each_other_and_end(one, other).await;
    a_large_word_is_one_word(one).await;
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN_MS + ms)
}

fn here(member: i64, ms: i64) -> Movement {
    Movement { member: MEMBER + member, at: at(ms), leaves: false }
}

fn left(member: i64, ms: i64) -> Movement {
    Movement { leaves: true, ..here(member, ms) }
}

fn word(ms: i64, movements: &[Movement]) -> Word {
    Word { at: at(ms), movements: movements.to_vec(), ..Word::default() }
}

fn first(ms: i64, movements: &[Movement]) -> Word {
    Word { begins: true, ..word(ms, movements) }
}

async fn say(gatherings: &Arc<dyn Gatherings>, name: &str, writer: i64, word: Word) -> Present {
    match gatherings.say(name, writer, &word).await.unwrap() {
        Told::Present(present) => present,
        Told::SayAll => panic!("{name}: process {writer} is not known"),
    }
}

/// Here, the most, and how long those who are here stayed.
async fn crowd(gatherings: &Arc<dyn Gatherings>, name: &str, writer: i64, word: Word) -> (u64, u64, u64) {
    let present = say(gatherings, name, writer, word).await;
    (present.here, present.most, present.stayed_ms)
}

async fn members_count_once_whoever_hears_of_them(one: &Arc<dyn Gatherings>, other: &Arc<dyn Gatherings>) {
    let name = "once";
    assert_eq!(one.say(name, 1, &word(0, &[here(0, 0)])).await.unwrap(), Told::SayAll, "it has to begin");
    assert_eq!(crowd(one, name, 1, first(0, &[here(0, 0), here(1, 0)])).await, (2, 2, 0));
    assert_eq!(crowd(other, name, -2, first(5_000, &[here(0, 5_000), here(2, 5_000)])).await, (3, 3, 5_000));
    // Said again, and late: nothing changes.
    assert_eq!(crowd(other, name, -2, word(5_000, &[here(0, 5_000), here(2, 5_000)])).await, (3, 3, 0));
    assert_eq!(crowd(one, name, 1, word(5_100, &[here(0, 2_000), here(1, 5_100)])).await, (3, 3, 5_100));
    // One leaves before another comes: there were never four.
    let present =
        say(one, name, 1, word(6_000, &[left(1, 6_000), here(3, 6_000), here(4, 6_000), left(4, 6_000)])).await;
    assert_eq!((present.here, present.most, present.stayed_ms, present.age_ms), (3, 4, 900, 6_000));
}

async fn who_has_left_is_not_brought_back(one: &Arc<dyn Gatherings>, other: &Arc<dyn Gatherings>) {
    let name = "left";
    assert_eq!(crowd(one, name, 1, first(0, &[here(0, 0)])).await, (1, 1, 0));
    assert_eq!(crowd(other, name, 2, first(4_000, &[left(0, 4_000), left(5, 4_000)])).await, (0, 1, 4_000));
    assert_eq!(crowd(one, name, 1, word(5_000, &[here(0, 5_000), here(5, 5_000)])).await, (0, 0, 0));
    let later = LEFT_REMEMBERED_MS + 3_999;
    assert_eq!(crowd(one, name, 1, first(later, &[here(0, later)])).await, (0, 0, 0));
    assert_eq!(crowd(one, name, 1, word(later + 1, &[here(0, later + 1)])).await, (1, 1, 0), "it is forgotten");
}

async fn who_is_not_heard_of_is_there_for_a_lease(one: &Arc<dyn Gatherings>, other: &Arc<dyn Gatherings>) {
    let name = "lease";
    assert_eq!(crowd(one, name, 1, first(0, &[here(0, 0), here(1, 1)])).await, (2, 2, 0));
    assert_eq!(crowd(one, name, 1, word(LEASE_MS - 1, &[])).await, (2, 2, 0));
    assert_eq!(crowd(one, name, 1, word(LEASE_MS, &[here(2, 0)])).await, (1, 1, 0), "and who is over does not come");
    assert_eq!(crowd(one, name, 1, word(LEASE_MS + 1, &[])).await, (0, 0, 0));
    assert_eq!(crowd(one, name, 1, word(LEASE_MS + 2, &[here(0, LEASE_MS + 2)])).await, (1, 1, 0), "nobody had stayed");
    // A process that was silent for as long is forgotten, and has to say everything.
    say(other, name, 2, first(LEASE_MS + 2, &[])).await;
    say(other, name, 2, word(2 * LEASE_MS + 2, &[])).await;
    assert_eq!(one.say(name, 1, &word(2 * LEASE_MS + 2, &[])).await.unwrap(), Told::SayAll);
}

async fn what_was_given_is_summed_and_what_nobody_says_any_more_is_not(
    one: &Arc<dyn Gatherings>,
    other: &Arc<dyn Gatherings>,
) {
    let name = "given";
    let given = |ms, unkept, kept, troubles| Word { unkept, kept, troubles, ..first(ms, &[]) };
    let sums = |present: Present| (present.unkept, present.kept, present.troubles);
    let large = 1 << 52;
    assert_eq!(sums(say(one, name, 1, given(0, 5, large + 1, 1)).await), (5, large + 1, 1));
    assert_eq!(sums(say(other, name, 2, given(100, 7, large, 2)).await), (12, large + 1, 3), "kept never goes back");
    assert_eq!(sums(say(one, name, 1, given(200, 0, large + 6, 1)).await), (7, large + 6, 3), "a word is not added");
    assert_eq!(sums(say(one, name, 1, given(99 + UNKEPT_MS, 1, 0, 1)).await), (8, large + 6, 3));
    assert_eq!(sums(say(one, name, 1, given(100 + UNKEPT_MS, 1, 0, 1)).await), (1, large + 6, 3), "it may have died");
    assert_eq!(sums(say(one, name, 1, given(100 + LEASE_MS, 1, 0, 1)).await), (1, large + 6, 1), "it has");
}

async fn gatherings_do_not_know_each_other_and_end(one: &Arc<dyn Gatherings>, other: &Arc<dyn Gatherings>) {
    assert_eq!(crowd(one, "this", 1, first(0, &[here(0, 0), left(1, 0)])).await, (1, 1, 0));
    assert_eq!(crowd(other, "that", 1, first(0, &[here(1, 0), here(2, 0)])).await, (2, 2, 0));
    one.end("this").await.unwrap();
    one.end("this").await.unwrap();
    assert_eq!(other.say("this", 1, &word(1, &[])).await.unwrap(), Told::SayAll);
    assert_eq!(crowd(other, "this", 1, first(1, &[here(1, 1)])).await, (1, 1, 0), "who had left is forgotten, too");
    assert_eq!(crowd(other, "that", 1, word(1, &[])).await, (2, 2, 0));
}

async fn a_large_word_is_one_word(one: &Arc<dyn Gatherings>) {
    let many: Vec<Movement> = (0..crate::gatherings::MOVEMENTS_MAX as i64).map(|member| here(member, 0)).collect();
    let count = many.len() as u64;
    assert_eq!(crowd(one, "large", 1, first(0, &many)).await, (count, count, 0));
}
