//! What a fault has cost.

use std::io::Write;

/// What was taken, and what there is of it.
pub(super) struct Reckoning {
    pub(super) messages: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    /// All of them are there; a test that waits for them in vain has failed.
    pub(super) hearts: u64,
}

impl Reckoning {
    /// Says it in a line of which scripts/test-faults makes a table; anything lost or doubled fails the test.
    pub(super) fn is_right(&self, fault: &str, recovery: &str, seed: u64) {
        let Self { messages, lost, doubled, hearts } = self;
        line(&[
            fault,
            &messages.to_string(),
            &lost.to_string(),
            &doubled.to_string(),
            &hearts.to_string(),
            recovery,
            &seed.to_string(),
        ]);
        assert_eq!(
            (*lost, *doubled),
            (0, 0),
            "{fault}: lost and doubled, of {messages} messages; MADANG_TEST_SEED={seed}"
        );
        assert!(*messages > 0, "{fault}: nobody said anything");
    }
}

/// A line of the table: the fault, messages taken, lost, doubled, hearts, recovery, seed.
pub(crate) fn line(cells: &[&str]) {
    // Past the test runner, which shows nothing of tests that pass.
    let _ = writeln!(std::io::stderr(), "fault | {} |", cells.join(" | "));
}
