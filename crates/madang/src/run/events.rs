//! What an operator does with the facts that a broker carries: makes their topics, looks at dead letters, has them tried again.

use std::sync::Arc;

use ports::broker::{Broker, Letter};
use serde_json::json;
use worker::topics;

use super::{AnyError, broker};
use crate::{config::Config, wire};

/// Makes the topics that are not there; all there are now.
pub(crate) async fn make_topics(config: &Config, partitions: u16) -> Result<Vec<String>, AnyError> {
    let needed = broker::topics();
    named(config)?.make(&needed, partitions).await?;
    Ok(needed)
}

/// The newest letters that a reaction has given up, a JSON object each.
pub(crate) async fn dead(config: &Config, reaction: &str, limit: usize) -> Result<Vec<String>, AnyError> {
    let letters = named(config)?.look(&topics::dead(known(reaction)?), limit).await?;
    let line = |Letter { fact, attempts, trouble, .. }: Letter| {
        let (at, payload) = (fact.at.to_string(), fact.payload);
        json!({ "at": at, "kind": fact.kind, "key": fact.key, "attempts": attempts, "trouble": trouble, "payload": payload })
            .to_string()
    };
    Ok(letters.into_iter().map(line).collect())
}

/// Has a reaction try its dead letters again that were not tried again yet; how many.
pub(crate) async fn replay(config: &Config, reaction: &str) -> Result<usize, AnyError> {
    Ok(worker::replay(&*named(config)?, known(reaction)?).await?)
}

fn named(config: &Config) -> Result<Arc<dyn Broker>, AnyError> {
    Ok(broker::open(config)?.ok_or("no Kafka is named: the setting engines.kafka is empty")?)
}

fn known(reaction: &str) -> Result<&str, AnyError> {
    if wire::REACTIONS.contains(&reaction) {
        return Ok(reaction);
    }
    Err(format!("there is no reaction {reaction}; there are {}", wire::REACTIONS.join(", ")).into())
}
