//! A thing to be done that many find to be needed and one does.

use crate::sync::{AtomicBool, Ordering};

/// Whether somebody is under way.
#[derive(Default)]
pub struct Errand(AtomicBool);

impl Errand {
    /// To be called after one has left something to be done. True: nobody is under way, so it is the caller's.
    #[must_use]
    pub fn take_on(&self) -> bool {
        // Release, also when somebody is under way: that one does what was left here until `put_down`.
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// To be called by the one under way, before the last look at what is to be done: what is left from now on is another's.
    pub fn put_down(&self) {
        // A swap and not a store: it acquires what those released who found somebody under way. Release, for the next one
        // under way.
        self.0.swap(false, Ordering::AcqRel);
    }
}
