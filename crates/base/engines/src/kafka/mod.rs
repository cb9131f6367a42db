//! Facts carried by Kafka (or what speaks its protocol): one topic for each family of facts, partitions by key, a consumer group for
//! each reaction.
//!
//! The producer is idempotent and waits for all in-sync replicas; consumers commit what is done. Topics are made by a command, never by
//! the way, and a name that is not there is an error that says so. The client is librdkafka: its threads, queues and reconnects are its own.

mod address;
mod letters;
mod member;
mod topics;
mod watch;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::broker::{Broker, BrokerError, Letter, Member, Sent};
use rdkafka::{
    ClientConfig,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};

pub use address::{KafkaAddress, KafkaAddressError};
use member::KafkaMember;
use watch::Watch;

/// How long a question about topics may take.
const ASK_TIME: Duration = Duration::from_secs(10);
/// Bytes of letters that wait in this process at the most, each way.
const QUEUE_KILOBYTES: &str = "16384";

/// The Kafka of a site.
pub struct KafkaBroker {
    address: KafkaAddress,
    producer: FutureProducer<Watch>,
}

impl KafkaBroker {
    /// A client of this Kafka. Nothing is asked of it yet. Call within a runtime.
    pub fn new(address: KafkaAddress) -> Result<Self, BrokerError> {
        let mut config = base(&address);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // It waits for the broker as long as it takes: whoever waits with it decides when that is too long.
            .set("message.timeout.ms", "0")
            .set("linger.ms", "2")
            .set("queue.buffering.max.kbytes", QUEUE_KILOBYTES);
        let producer = config.create_with_context(Watch::default()).map_err(failed)?;
        Ok(Self { address, producer })
    }

    fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.address.prefix)
    }

    fn consumer(&self, group: &str, watch: Watch) -> Result<StreamConsumer<Watch>, BrokerError> {
        let mut config = base(&self.address);
        config
            .set("group.id", format!("{}.{group}", self.address.prefix))
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", "500")
            // Committed is what was said to be done, not what was fetched.
            .set("enable.auto.offset.store", "false")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("queued.max.messages.kbytes", QUEUE_KILOBYTES)
            .set("fetch.wait.max.ms", "100")
            .set("statistics.interval.ms", "5000");
        config.create_with_context(watch).map_err(failed)
    }

    async fn keep(&self, letters: &[(String, Letter)]) -> Sent {
        let mut waiting = Vec::with_capacity(letters.len());
        let mut trouble = None;
        for (topic, letter) in letters {
            let (topic, headers) = (self.topic(topic), letters::headers(letter));
            let record = FutureRecord::to(&topic).key(&letter.fact.key).payload(&letter.fact.payload).headers(headers);
            match self.producer.send_result(record) {
                Ok(delivery) => waiting.push(delivery),
                Err((error, _)) => {
                    trouble = Some(failed(error));
                    break;
                }
            }
        }
        let mut kept = 0;
        for delivery in waiting {
            match delivery.await {
                Ok(Ok(_)) => kept += 1,
                Ok(Err((error, _))) => return Sent { kept, trouble: Some(failed(error)) },
                Err(_) => return Sent { kept, trouble: Some(BrokerError("the client has ended".into())) },
            }
        }
        Sent { kept, trouble }
    }
}

#[async_trait]
impl Broker for KafkaBroker {
    async fn send(&self, letters: &[(String, Letter)]) -> Sent {
        self.keep(letters).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Member>, BrokerError> {
        let missing = self.missing(topics).await?;
        if !missing.is_empty() {
            return Err(BrokerError(format!("there are no topics {}", missing.join(", "))));
        }
        let watch = Watch::default();
        let consumer = self.consumer(group, watch.clone())?;
        let topics: Vec<String> = topics.iter().map(|topic| self.topic(topic)).collect();
        consumer.subscribe(&topics.iter().map(String::as_str).collect::<Vec<_>>()).map_err(failed)?;
        Ok(Box::new(KafkaMember::new(Arc::new(consumer), watch)))
    }

    async fn look(&self, topic: &str, limit: usize) -> Result<Vec<Letter>, BrokerError> {
        topics::look(base(&self.address), self.topic(topic), limit).await
    }

    async fn missing(&self, topics: &[String]) -> Result<Vec<String>, BrokerError> {
        let named = topics.iter().map(|topic| self.topic(topic)).collect();
        topics::missing(self.producer.clone(), named).await
    }

    async fn make(&self, topics: &[String], partitions: u16) -> Result<(), BrokerError> {
        let named = topics.iter().map(|topic| self.topic(topic)).collect();
        topics::make(&base(&self.address), self.producer.clone(), named, partitions).await
    }
}

fn base(address: &KafkaAddress) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &address.servers)
        .set("client.id", "madang")
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.max.ms", "1000")
        // With the default a client that has lost all servers forgets them and begins anew, again and again: consumers did not find back to
        // a server that had been away (librdkafka 2.12; its issues 5088 and 5301 tell of such loops).
        .set("metadata.recovery.strategy", "none")
        .set("topic.metadata.refresh.interval.ms", "30000");
    config
}

fn failed(error: impl std::fmt::Display) -> BrokerError {
    BrokerError(format!("Kafka: {error}"))
}
