//! When connections want to be woken for their time's sake: one clock for all of them, in ticks.
//!
//! Promise: a connection is woken at its tick or a little later, never earlier. A timer of its own for each would cost
//! more than all else an idle connection holds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::hub::Member;

const TICK: Duration = Duration::from_millis(100);

/// A moment, in ticks since the wheel began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(u32);

/// The clock of all connections.
pub(crate) struct Wheel {
    began: Instant,
    waiting: Mutex<BTreeMap<Tick, Vec<Arc<Member>>>>,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), waiting: Mutex::default() }
    }

    /// Turns for ever.
    pub(crate) async fn run(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let now = ticks.tick().await.max(Instant::now());
            self.wake_until(now);
        }
    }

    /// Wakes everybody now.
    pub(crate) fn wake_all(&self) {
        self.waiting().values().flatten().for_each(|member| member.wake_for_time());
    }

    /// The tick at which `moment` is over.
    pub(super) fn tick_of(&self, moment: Instant) -> Tick {
        let since = moment.saturating_duration_since(self.began).as_millis();
        Tick(u32::try_from(since.div_ceil(TICK.as_millis())).unwrap_or(u32::MAX))
    }

    /// Has `member` woken at the tick.
    pub(super) fn wake_at(&self, tick: Tick, member: Arc<Member>) {
        self.waiting().entry(tick).or_default().push(member);
    }

    fn wake_until(&self, now: Instant) {
        let over = now.saturating_duration_since(self.began).as_millis() / TICK.as_millis();
        let first_later = Tick(u32::try_from(over).unwrap_or(u32::MAX).saturating_add(1));
        let due = {
            let mut waiting = self.waiting();
            let later = waiting.split_off(&first_later);
            std::mem::replace(&mut *waiting, later)
        };
        due.values().flatten().for_each(|member| member.wake_for_time());
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Tick, Vec<Arc<Member>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn was_woken(member: &Arc<Member>) -> bool {
        let called = member.poll_called(&Context::from_waker(Waker::noop()));
        matches!(called, Poll::Ready(calls) if calls.time)
    }

    #[test]
    fn nobody_is_woken_early_and_nobody_twice() {
        let wheel = Wheel::new();
        let after = |millis| wheel.began + Duration::from_millis(millis);
        let members = [0, 1, 2].map(|number| Arc::new(Member::new(number, "".into())));
        for (member, millis) in members.iter().zip([100, 101, 5_000]) {
            wheel.wake_at(wheel.tick_of(after(millis)), member.clone());
        }
        let woken = |now| {
            wheel.wake_until(after(now));
            members.iter().map(was_woken).collect::<Vec<_>>()
        };
        assert_eq!(woken(99), [false, false, false]);
        assert_eq!(woken(199), [true, false, false]);
        assert_eq!(woken(200), [false, true, false]);
        wheel.wake_all();
        assert!(was_woken(&members[2]));
        assert_eq!(woken(9_000), [false, false, true]);
        assert_eq!(woken(9_999), [false, false, false]);
    }
}
