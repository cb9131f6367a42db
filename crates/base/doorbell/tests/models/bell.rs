//! One answers, others ring.

use std::{
    future::poll_fn,
    sync::{
        Arc as Plain,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use doorbell::Doorbell;
use loom::{
    future::block_on,
    sync::{Arc, atomic::AtomicU32, atomic::Ordering},
    thread,
};

use crate::check;

/// Counts how often it is woken.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Plain<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn no_call_is_lost_and_each_brings_what_was_done_before_it() {
    check(|| {
        let bell = Arc::new(Doorbell::default());
        let done = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let ringers: Vec<_> = [0, 1]
            .map(|index| {
                let (bell, done) = (bell.clone(), done.clone());
                thread::spawn(move || {
                    done[index].store(7, Ordering::Relaxed);
                    bell.ring(1 << index);
                })
            })
            .into();
        let mut answered = 0;
        while answered != 3 {
            // A call that is lost leaves this waiting for ever, which the checker tells.
            let calls = block_on(poll_fn(|context| bell.poll_answer(context)));
            assert_eq!(calls & answered, 0, "a call was answered twice");
            (0..2).filter(|index| calls & 1 << index != 0).for_each(|index| {
                assert_eq!(done[index].load(Ordering::Relaxed), 7, "the call came before what it is about");
            });
            answered |= calls;
        }
        ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
    });
}

#[test]
fn several_rings_for_the_same_bring_what_was_done_before_the_last() {
    check(|| {
        let bell = Arc::new(Doorbell::default());
        let done = Arc::new(AtomicU32::new(0));
        let ringers = [(); 2].map(|()| {
            let (bell, done) = (bell.clone(), done.clone());
            thread::spawn(move || {
                done.fetch_add(1, Ordering::Relaxed);
                bell.ring(1);
            })
        });
        // Not by the number of rings: two that come together are one.
        while done.load(Ordering::Relaxed) < 2 {
            assert_eq!(block_on(poll_fn(|context| bell.poll_answer(context))), 1);
        }
        ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
    });
}

#[test]
fn until_it_is_answered_a_bell_wakes_once() {
    check(|| {
        let bell = Arc::new(Doorbell::default());
        let woken = Plain::new(Counting::default());
        let waker = Waker::from(woken.clone());
        assert_eq!(bell.poll_answer(&Context::from_waker(&waker)), Poll::Pending);
        let ringers = [1, 2].map(|why| {
            let bell = bell.clone();
            thread::spawn(move || bell.ring(why))
        });
        ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
        assert_eq!(woken.0.load(SeqCst), 1);
        assert_eq!(bell.poll_answer(&Context::from_waker(&waker)), Poll::Ready(3));
        assert_eq!(bell.poll_answer(&Context::from_waker(&waker)), Poll::Pending);
        bell.ring(1);
        assert_eq!(woken.0.load(SeqCst), 2);
    });
}
