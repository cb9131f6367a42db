//! When a process is asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGINT and SIGTERM from the call on; the future returns at the first of them.
pub(crate) fn until_asked_to_end() -> impl Future<Output = ()> {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "cannot listen for signals; the process ends only by force");
                std::future::pending().await
            }
        }
    }
}
