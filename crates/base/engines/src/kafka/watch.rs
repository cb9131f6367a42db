//! What a client tells of itself.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rdkafka::{ClientContext, Statistics, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError};

/// Hears of errors, and of how many letters wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    waiting: Arc<AtomicU64>,
}

impl Watch {
    /// Letters of this member's partitions behind what it has done.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl ClientContext for Watch {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::warn!(facility, message, "Kafka");
            }
            _ => tracing::debug!(facility, message, "Kafka"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let waiting = partitions.filter_map(|partition| u64::try_from(partition.consumer_lag_stored).ok()).sum();
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        metrics::counter!("madang_kafka_errors_total").increment(1);
        tracing::debug!(%error, reason, "Kafka");
    }
}

impl ConsumerContext for Watch {}
