//! Connections have themselves woken, and hear of the end whenever it is decided: the gateway's `connection::Wheel` and
//! `Connection` with what is not about this left out.

use std::task::{Context, Poll};

use doorbell::Doorbell;
use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::{check, task::Task};

const TIME: u8 = 4;

#[derive(Default)]
struct Wheel {
    closing: AtomicBool,
    waiting: Mutex<Vec<Arc<Doorbell>>>,
}

impl Wheel {
    fn turn(&self) {
        let due = std::mem::take(&mut *self.waiting.lock().unwrap());
        due.iter().for_each(|bell| bell.ring(TIME));
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.waiting.lock().unwrap().iter().for_each(|bell| bell.ring(TIME));
    }
}

#[derive(Default)]
struct Connection {
    bell: Arc<Doorbell>,
    alarm: bool,
    drained: bool,
}

impl Connection {
    fn poll(&mut self, wheel: &Wheel, context: &Context<'_>) -> Poll<()> {
        loop {
            if !self.alarm {
                self.alarm = true;
                wheel.waiting.lock().unwrap().push(self.bell.clone());
                // Behind it: whoever closes wakes those that have set their alarm.
                self.drained |= wheel.closing.load(Ordering::Acquire);
            }
            if self.bell.poll_answer(context).is_pending() {
                return Poll::Pending;
            }
            self.alarm = false;
        }
    }
}

#[test]
fn a_connection_hears_of_the_end_also_between_two_alarms() {
    check(|| {
        let wheel = Arc::new(Wheel::default());
        let task = Task::new();
        let mut connection = Connection::default();
        task.run(|context| connection.poll(&wheel, context));
        let turning = thread::spawn({
            let wheel = wheel.clone();
            move || wheel.turn()
        });
        let closing = thread::spawn({
            let wheel = wheel.clone();
            move || wheel.close()
        });
        task.run(|context| connection.poll(&wheel, context));
        turning.join().unwrap();
        closing.join().unwrap();
        while task.run(|context| connection.poll(&wheel, context)) {}
        assert!(connection.drained, "it sleeps and does not know");
    });
}
