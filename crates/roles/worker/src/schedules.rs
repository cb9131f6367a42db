//! One schedule, run again and again.

use std::sync::Arc;

use ports::work::Schedule;
use tokio_util::sync::CancellationToken;

/// Runs the schedule with its pause between two runs until cancelled, then finishes it.
pub(crate) async fn repeat(schedule: Arc<dyn Schedule>, cancel: CancellationToken) {
    let mut failing = false;
    while !cancel.is_cancelled() {
        match schedule.run().await {
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
    if let Err(error) = schedule.finish().await {
        tracing::error!(schedule = schedule.name(), %error, "a schedule could not finish; what it held in memory is lost");
    }
}
