//! The process's metrics, in Prometheus' text format.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often what was measured is put in order; histograms grow until then.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts counting. Once per process: a second start counts on its own, seen by nobody.
pub(crate) fn start() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics are counted already; those of this site are not shown");
    }
    handle
}

/// Keeps the metrics in order until cancelled.
pub(crate) async fn keep(handle: PrometheusHandle, cancel: CancellationToken) {
    while cancel.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        handle.run_upkeep();
    }
}
