//! What carries facts to workers, when the settings name it.

use std::sync::Arc;

#[cfg(feature = "kafka")]
use engines::kafka::{KafkaAddress, KafkaBroker};
use ports::broker::Broker;

use super::AnyError;
use crate::{config::Config, wire};

/// The broker of the settings; nothing is asked of it yet.
#[cfg(feature = "kafka")]
pub(crate) fn open(config: &Config) -> Result<Option<Arc<dyn Broker>>, AnyError> {
    if config.engines.kafka.is_empty() {
        return Ok(None);
    }
    let address = KafkaAddress::parse(&config.engines.kafka, &config.engines.kafka_names)?;
    Ok(Some(Arc::new(KafkaBroker::new(address)?)))
}

/// None: this binary has no client for one.
#[cfg(not(feature = "kafka"))]
pub(crate) fn open(_: &Config) -> Result<Option<Arc<dyn Broker>>, AnyError> {
    Ok(None)
}

/// The broker of a process with reactions. One that cannot be reached now stops nothing: facts wait in the event log.
pub(crate) async fn open_for_reactions(config: &Config) -> Result<Option<Arc<dyn Broker>>, AnyError> {
    let Some(broker) = open(config)? else { return Ok(None) };
    match broker.missing(&topics()).await {
        Ok(missing) if missing.is_empty() => (),
        Ok(missing) => {
            let missing = missing.join(", ");
            return Err(format!(
                "the Kafka of the setting engines.kafka has no topics {missing}: `madang events topics` makes them"
            )
            .into());
        }
        Err(error) => {
            tracing::warn!(%error, "the Kafka of the setting engines.kafka cannot be asked for its topics; facts wait")
        }
    }
    Ok(Some(broker))
}

/// The topics a site needs.
pub(super) fn topics() -> Vec<String> {
    worker::topics_needed(kernel::events::KINDS, wire::REACTIONS)
}
