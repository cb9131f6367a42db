//! One schedule, run again and again.

use std::sync::Arc;

use ports::{leases::Fence, work::Schedule};
use tokio_util::sync::CancellationToken;

use crate::{panics::caught, tenure::Right};

/// Runs the schedule with its pause between two runs while this process has the right to, until cancelled; then finishes it.
pub(crate) async fn repeat(schedule: Arc<dyn Schedule>, mut right: Right, cancel: CancellationToken) {
    let mut failing = false;
    while let Some(fence) = cancel.run_until_cancelled(right.begun()).await {
        match guarded(fence, caught(schedule.name(), schedule.run())).await {
            Ok(()) => failing = false,
            Err(error) => {
                metrics::counter!("madang_schedule_failures_total", "schedule" => schedule.name()).increment(1);
                // A schedule of half a second that cannot reach its engine says so once, not twice a second.
                if !failing {
                    tracing::warn!(schedule = schedule.name(), %error, "a schedule failed; it goes on trying");
                }
                failing = true;
            }
        }
        tokio::select! { () = tokio::time::sleep(schedule.every()) => (), () = cancel.cancelled() => () }
    }
    if right.is_held()
        && let Err(error) = guarded(right.fence(), caught(schedule.name(), schedule.finish())).await
    {
        tracing::error!(schedule = schedule.name(), %error, "a schedule could not finish; what it held in memory is lost");
    }
}

/// Does work under a fence, where there is one.
pub(crate) async fn guarded<T>(fence: Option<Fence>, work: impl Future<Output = T>) -> T {
    match fence {
        Some(fence) => fence.guard(work).await,
        None => work.await,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use async_trait::async_trait;
    use ports::work::WorkError;
    use tokio::sync::Notify;

    use super::*;

    #[derive(Default)]
    struct PanicsTwice {
        runs: AtomicU32,
        third: Notify,
        finished: AtomicU32,
    }

    #[async_trait]
    impl Schedule for PanicsTwice {
        fn name(&self) -> &'static str {
            "test"
        }
        fn every(&self) -> Duration {
            Duration::from_secs(1)
        }
        async fn run(&self) -> Result<(), WorkError> {
            if self.runs.fetch_add(1, Ordering::SeqCst) < 2 {
                panic!("nothing there");
            }
            self.third.notify_one();
            Ok(())
        }
        async fn finish(&self) -> Result<(), WorkError> {
            self.finished.fetch_add(1, Ordering::SeqCst);
            panic!("nothing to keep")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_schedule_that_panics_runs_again() {
        let schedule = Arc::new(PanicsTwice::default());
        let cancel = CancellationToken::new();
        let repeating = tokio::spawn(repeat(schedule.clone(), Right::undisputed(), cancel.clone()));
        schedule.third.notified().await;
        cancel.cancel();
        repeating.await.unwrap();
        assert_eq!(schedule.finished.load(Ordering::SeqCst), 1);
    }
}
