//! Several find that something is needed, one does it.

use doorbell::Errand;
use loom::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use crate::check;

/// Things that were left, and those of them that were seen by who was under way.
#[derive(Default)]
struct Work {
    left: [AtomicU32; 3],
    seen: [AtomicU32; 3],
    under_way: AtomicU32,
    errand: Errand,
}

impl Work {
    fn leave(&self, index: usize) {
        self.left[index].store(1, Ordering::Relaxed);
        if self.errand.take_on() {
            self.errand.put_down();
            self.look();
        }
    }

    fn look(&self) {
        for (left, seen) in self.left.iter().zip(&self.seen) {
            if left.load(Ordering::Relaxed) == 1 {
                seen.store(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn what_is_left_is_seen_by_somebody() {
    check(|| {
        let work = Arc::new(Work::default());
        let other = {
            let work = work.clone();
            thread::spawn(move || work.leave(0))
        };
        work.leave(1);
        work.leave(2);
        other.join().unwrap();
        let seen = work.seen.each_ref().map(|seen| seen.load(Ordering::Relaxed));
        assert_eq!(seen, [1; 3], "something was left that nobody saw");
    });
}

#[test]
fn until_it_is_put_down_one_is_under_way() {
    check(|| {
        let work = Arc::new(Work::default());
        let go = |work: &Work| {
            if work.errand.take_on() {
                // Without the errand's own order, the one under way could see what was before the last one.
                assert_eq!(work.under_way.load(Ordering::Relaxed), 0, "two are under way");
                work.under_way.store(1, Ordering::Relaxed);
                work.under_way.store(0, Ordering::Relaxed);
                work.errand.put_down();
            }
        };
        let others = [(); 2].map(|()| {
            let work = work.clone();
            thread::spawn(move || go(&work))
        });
        go(&work);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(work.errand.take_on(), "nobody is under way");
    });
}
