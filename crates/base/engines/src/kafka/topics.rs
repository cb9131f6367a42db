//! Topics: which there are, how they are made, what stands in one.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ports::broker::{BrokerError, Letter};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::Message,
    producer::{FutureProducer, Producer},
};

use super::{ASK_TIME, failed, letters, watch::Watch};

/// Copies of each topic, where there are as many servers.
const REPLICAS: usize = 3;

/// Which of these topics are not there.
pub(super) async fn missing(producer: FutureProducer<Watch>, topics: Vec<String>) -> Result<Vec<String>, BrokerError> {
    blocking(move || {
        let metadata = producer.client().fetch_metadata(None, ASK_TIME).map_err(failed)?;
        let is_there =
            |name: &String| metadata.topics().iter().any(|topic| topic.name() == name && topic.error().is_none());
        Ok(topics.into_iter().filter(|name| !is_there(name)).collect())
    })
    .await
}

/// Makes those of these topics that are not there.
pub(super) async fn make(
    config: &ClientConfig,
    producer: FutureProducer<Watch>,
    topics: Vec<String>,
    partitions: u16,
) -> Result<(), BrokerError> {
    let servers = blocking(move || {
        let metadata = producer.client().fetch_metadata(None, ASK_TIME).map_err(failed)?;
        Ok(metadata.brokers().len())
    })
    .await?;
    let replicas = servers.clamp(1, REPLICAS);
    // With two of three a server may be away, and what is acknowledged still has a copy when another one is lost.
    let in_sync = if replicas == REPLICAS { "2" } else { "1" };
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| {
            let replication = TopicReplication::Fixed(i32::try_from(replicas).unwrap_or(1));
            NewTopic::new(topic, i32::from(partitions), replication).set("min.insync.replicas", in_sync)
        })
        .collect();
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(failed)?;
    let options = AdminOptions::new().request_timeout(Some(ASK_TIME)).operation_timeout(Some(ASK_TIME));
    for made in admin.create_topics(&new, &options).await.map_err(failed)? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => (),
            Err((topic, code)) => return Err(failed(format!("the topic {topic} cannot be made: {code}"))),
        }
    }
    Ok(())
}

/// Up to `limit` of the newest letters of a topic.
pub(super) async fn look(mut config: ClientConfig, topic: String, limit: usize) -> Result<Vec<Letter>, BrokerError> {
    // A reader for itself: it joins no group and commits nothing, but the client asks for a name.
    config
        .set("group.id", format!("{topic}.look"))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "false");
    blocking(move || {
        let reader: BaseConsumer = config.create().map_err(failed)?;
        let metadata = reader.fetch_metadata(Some(&topic), ASK_TIME).map_err(failed)?;
        let known = metadata.topics().iter().find(|one| one.name() == topic && one.error().is_none());
        let known = known.ok_or_else(|| failed(format!("there is no topic {topic}")))?;
        let (mut assignment, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
        for partition in known.partitions() {
            let (first, end) = bounds(&reader, &topic, partition.id())?;
            let from = first.max(end.saturating_sub(i64::try_from(limit).unwrap_or(i64::MAX)));
            if from < end {
                assignment.add_partition_offset(&topic, partition.id(), Offset::Offset(from)).map_err(failed)?;
                ends.insert(partition.id(), end);
            }
        }
        reader.assign(&assignment).map_err(failed)?;
        let mut found = Vec::new();
        while !ends.is_empty() {
            let record = reader.poll(ASK_TIME).ok_or_else(|| failed("no answer"))?.map_err(failed)?;
            if ends.get(&record.partition()).is_some_and(|end| record.offset() + 1 >= *end) {
                ends.remove(&record.partition());
            }
            // What is no letter of ours is left out.
            found.extend(letters::read(&record).map(|letter| (letter.fact.at, letter)));
        }
        found.sort_by_key(|(at, _)| *at);
        let beyond = found.len().saturating_sub(limit);
        Ok(found.into_iter().skip(beyond).map(|(_, letter)| letter).collect())
    })
    .await
}

/// The first offset of a partition, and the one behind the last. A partition that has just been made, or whose leader has just
/// gone, is asked again.
fn bounds(reader: &BaseConsumer, topic: &str, partition: i32) -> Result<(i64, i64), BrokerError> {
    let begun = Instant::now();
    loop {
        match reader.fetch_watermarks(topic, partition, ASK_TIME) {
            Ok(bounds) => return Ok(bounds),
            Err(KafkaError::MetadataFetch(code)) if has_no_leader(code) && begun.elapsed() < ASK_TIME => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

fn has_no_leader(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::UnknownTopicOrPartition
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, BrokerError> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}
