//! Where atomics come from: the standard library, or the model checker.

#[cfg(not(feature = "loom"))]
pub(crate) use {
    futures_util::task::AtomicWaker,
    std::sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

#[cfg(feature = "loom")]
pub(crate) use {
    loom::sync::atomic::{AtomicBool, AtomicU8, Ordering},
    modelled::AtomicWaker,
};

#[cfg(feature = "loom")]
mod modelled {
    use std::task::Waker;

    /// The model checker's, with the calls of the real one.
    #[derive(Default)]
    pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(crate) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(crate) fn wake(&self) {
            self.0.wake();
        }
    }
}
