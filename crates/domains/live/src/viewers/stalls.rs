//! Stalls of the last minute.

use kernel::Timestamp;

const STEP_MS: i64 = 5_000;
const STEPS: usize = 12;

/// How often players stalled in the last minute, in steps of five seconds.
#[derive(Debug, Default)]
pub(super) struct RecentStalls {
    // The step a cell stands for, and its stalls; a cell of an older minute counts as empty.
    cells: [(i64, u64); STEPS],
}

impl RecentStalls {
    pub(super) fn add(&mut self, stalls: u32, now: Timestamp) {
        let step = now.as_millis().div_euclid(STEP_MS);
        let cell = &mut self.cells[step.rem_euclid(STEPS as i64) as usize];
        if cell.0 != step {
            *cell = (step, 0);
        }
        cell.1 += u64::from(stalls);
    }

    pub(super) fn in_last_minute(&self, now: Timestamp) -> u64 {
        let step = now.as_millis().div_euclid(STEP_MS);
        let recent = (step - STEPS as i64 + 1)..=step;
        self.cells.iter().filter(|(of, _)| recent.contains(of)).map(|(_, stalls)| stalls).sum()
    }
}
