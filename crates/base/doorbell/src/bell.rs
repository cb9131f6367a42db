//! A bell that many ring and one answers.

use std::task::{Context, Poll};

use crate::sync::{AtomicU8, AtomicWaker, Ordering};

/// What the one behind the door is called for: up to eight reasons, a bit each.
#[derive(Default)]
pub struct Doorbell {
    /// The reasons since it was last answered.
    calls: AtomicU8,
    called: AtomicWaker,
}

impl Doorbell {
    /// Calls for `why`.
    pub fn ring(&self, why: u8) {
        // Release: who answers sees what was done before the call; also before those that others followed.
        let before = self.calls.fetch_or(why, Ordering::Release);
        // Whoever rings first wakes for all who come until it is answered.
        if before == 0 {
            self.called.wake();
        }
    }

    /// What it was called for since the last answer: 0 for nothing.
    fn answer(&self) -> u8 {
        // Acquire, with the release of `ring`: who sees the call sees what it is about.
        self.calls.swap(0, Ordering::Acquire)
    }

    /// Ready with what it was called for since the last answer; otherwise the context is woken by the next call. One task
    /// at a time.
    pub fn poll_answer(&self, context: &Context<'_>) -> Poll<u8> {
        let calls = self.answer();
        if calls != 0 {
            return Poll::Ready(calls);
        }
        self.called.register(context.waker());
        // Again: a call before the waker was there wakes nobody.
        match self.answer() {
            0 => Poll::Pending,
            calls => Poll::Ready(calls),
        }
    }
}
