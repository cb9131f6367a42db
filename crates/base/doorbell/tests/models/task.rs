//! A task that is polled when it was woken, as a runtime does it.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use loom::sync::atomic::{AtomicBool, Ordering};

/// Whether it is to be polled.
pub(crate) struct Task(AtomicBool);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        // A swap: beside a store the checker lets a later swap read what is older than it.
        self.0.swap(true, Ordering::Release);
    }
}

impl Task {
    /// One that was never polled.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    /// Polls it if it was woken since the last time; whether it was.
    pub(crate) fn run(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> Poll<()>) -> bool {
        let woken = self.0.swap(false, Ordering::Acquire);
        if woken {
            let _ = poll(&mut Context::from_waker(&Waker::from(self.clone())));
        }
        woken
    }
}
