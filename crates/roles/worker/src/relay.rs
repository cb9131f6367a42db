//! The way from the event log to the broker: each fact to the topic of its family, in order.
//!
//! One process of a site does it at a time, by a lease. One that was held up and sends what another has sent by now sends it once
//! more: the first time, letters of one key still come in order.

use std::sync::Arc;

use async_trait::async_trait;
use ports::{
    broker::{Broker, Letter},
    event_log::Fact,
};
use tokio_util::sync::CancellationToken;

use crate::{following::Follower, topics};

/// The reader of the event log that hands over to the broker.
pub const RELAY: &str = "relay";

/// Hands facts over to a broker.
pub(crate) struct Relay(pub(crate) Arc<dyn Broker>);

#[async_trait]
impl Follower for Relay {
    fn name(&self) -> &'static str {
        RELAY
    }

    async fn take(&self, facts: &[Fact], cancel: &CancellationToken) -> (usize, Option<String>) {
        let letters: Vec<(String, Letter)> =
            facts.iter().map(|fact| (topics::of_kind(&fact.kind).to_owned(), Letter::new(fact.clone()))).collect();
        match cancel.run_until_cancelled(self.0.send(&letters)).await {
            Some(sent) => (sent.kept, sent.trouble.map(|trouble| trouble.to_string())),
            // Some of them may be kept; they are sent again.
            None => (0, None),
        }
    }
}
