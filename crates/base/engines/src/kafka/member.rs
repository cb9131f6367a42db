//! A consumer of a group.

use std::sync::Arc;

use async_trait::async_trait;
use ports::broker::{BrokerError, Letter, Member};
use rdkafka::{
    consumer::{CommitMode, Consumer, StreamConsumer},
    message::Message,
};

use super::{failed, letters, watch::Watch};

/// The place of a record.
type Place = (String, i32, i64);

/// A member, and the place of what it was given last.
pub(super) struct KafkaMember {
    consumer: Arc<StreamConsumer<Watch>>,
    watch: Watch,
    last: Option<Place>,
}

impl KafkaMember {
    pub(super) fn new(consumer: Arc<StreamConsumer<Watch>>, watch: Watch) -> Self {
        Self { consumer, watch, last: None }
    }

    fn store(&self, (topic, partition, offset): &Place) -> Result<(), BrokerError> {
        // Refused when the partition is another member's by now: that one was given it again.
        self.consumer.store_offset(topic, *partition, *offset).map_err(failed)
    }
}

#[async_trait]
impl Member for KafkaMember {
    async fn next(&mut self) -> Result<Letter, BrokerError> {
        let record = self.consumer.recv().await.map_err(failed)?;
        let place = (record.topic().to_owned(), record.partition(), record.offset());
        let read = letters::read(&record);
        drop(record);
        if read.is_err() {
            // It will never be readable: it is told, and passed by.
            self.store(&place)?;
        }
        self.last = Some(place);
        read
    }

    fn done(&mut self) -> Result<(), BrokerError> {
        match self.last.take() {
            Some(place) => self.store(&place),
            None => Ok(()),
        }
    }

    fn waiting(&self) -> u64 {
        self.watch.waiting()
    }

    async fn leave(self: Box<Self>) {
        let consumer = self.consumer;
        // It waits for the broker.
        let left = tokio::task::spawn_blocking(move || {
            let _ = consumer.commit_consumer_state(CommitMode::Sync);
            drop(consumer);
        });
        let _ = tokio::time::timeout(super::ASK_TIME, left).await;
    }
}
