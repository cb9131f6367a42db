//! A panic of a piece of work is a failure like another: it is tried again, and nothing else ends with it.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use ports::work::WorkError;

/// Does the work; a panic in it is an error that says so.
pub(crate) async fn caught(
    name: &'static str,
    work: impl Future<Output = Result<(), WorkError>>,
) -> Result<(), WorkError> {
    // Work is idempotent and right whatever happened in between, so what a panic left half-done is done again.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        metrics::counter!("madang_work_panics_total", "work" => name).increment(1);
        let message = message(&*panic);
        tracing::error!(work = name, message, "a piece of background work panicked; it goes on");
        Err(format!("a panic: {message}").into())
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
