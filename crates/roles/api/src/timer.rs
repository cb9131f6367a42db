//! A connection's timer: one alarm, used again for every request.
//!
//! hyper makes a timer for each head it waits for and drops it when the head is there. Entering and leaving the
//! runtime's wheel for each costs more than an alarm that now and then rings too early and is put off.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use tokio::time::sleep_until;

type Alarm = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection.
#[derive(Clone, Default)]
pub(crate) struct ConnectionTimer {
    unused: Arc<Mutex<Option<Alarm>>>,
}

impl fmt::Debug for ConnectionTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionTimer")
    }
}

impl ConnectionTimer {
    fn unused(&self) -> MutexGuard<'_, Option<Alarm>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Waiting { deadline: deadline.into(), alarm: self.unused().take(), timer: self.clone() })
    }
}

/// Waits for its deadline with an alarm that may be set to an earlier time.
struct Waiting {
    deadline: tokio::time::Instant,
    alarm: Option<Alarm>,
    timer: ConnectionTimer,
}

impl Sleep for Waiting {}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if alarm.deadline() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.timer.unused() = self.alarm.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_is_used_again_keeps_every_deadline() {
        let (timer, began) = (ConnectionTimer::default(), tokio::time::Instant::now());
        let until = |seconds: u32| timer.sleep_until((began + SECOND * seconds).into());
        let mut first = until(10);
        assert!(tokio::time::timeout(SECOND, &mut first).await.is_err());
        drop(first);
        // The alarm is set to 10 s: too early for this one, and too late for the next.
        until(12).await;
        assert_eq!(began.elapsed(), SECOND * 12);
        let far = until(60);
        drop(far);
        until(15).await;
        assert_eq!(began.elapsed(), SECOND * 15);
        assert!(timer.unused().is_some(), "it has been given back");
    }
}
