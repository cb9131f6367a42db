//! The broker on Kafka: what it keeps, in which order, to whom it comes, and what happens when it is away.
//! `MADANG_TEST_KAFKA` names a server; the test command starts one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use engines::{
    kafka::{KafkaAddress, KafkaBroker},
    testing::{KafkaProcess, kafka_names},
};
use kernel::Timestamp;
use ports::{
    broker::{Broker, Letter, Member},
    event_log::{Cursor, Fact},
};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    producer::{FutureProducer, FutureRecord},
};

/// What takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(url: &str, prefix: &str) -> Arc<dyn Broker> {
    Arc::new(KafkaBroker::new(KafkaAddress::parse(url, prefix).unwrap()).unwrap())
}

async fn shared() -> Option<Arc<dyn Broker>> {
    let (url, prefix) = kafka_names()?;
    let broker = open(&url, &prefix);
    broker.make(&["live".into(), "chat".into()], 4).await.unwrap();
    Some(broker)
}

fn letter(key: &str, id: i64) -> Letter {
    let fact = Fact {
        cursor: Cursor { transaction: 7, id },
        kind: "live.thing_happened".into(),
        key: key.into(),
        payload: format!("{{\"마당\":{id}}}"),
        at: Timestamp::from_millis(1_780_000_000_000 + id),
    };
    Letter { trouble: "why not".into(), attempts: 3, due: Timestamp::from_millis(5), ..Letter::new(fact) }
}

fn letters(keys: &[&str], count: i64) -> Vec<(String, Letter)> {
    (1..=count).map(|id| ("live".to_owned(), letter(keys[id as usize % keys.len()], id))).collect()
}

async fn send(broker: &dyn Broker, letters: &[(String, Letter)]) {
    let sent = tokio::time::timeout(PATIENCE, broker.send(letters)).await.expect("it is kept");
    assert!(sent.trouble.is_none() && sent.kept == letters.len(), "{sent:?}");
}

async fn next(member: &mut dyn Member) -> Letter {
    loop {
        // A broker that is away is told of; then it goes on.
        if let Ok(letter) = tokio::time::timeout(PATIENCE, member.next()).await.expect("it comes") {
            return letter;
        }
    }
}

/// The ids of each key, in the order they came.
async fn by_key(member: &mut dyn Member, count: usize) -> BTreeMap<String, Vec<i64>> {
    let mut came: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for _ in 0..count {
        let letter = next(member).await;
        came.entry(letter.fact.key).or_default().push(letter.fact.cursor.id);
        member.done().unwrap();
    }
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_comes_as_it_was_sent_and_those_of_a_key_in_their_order_to_each_group() {
    let Some(broker) = shared().await else { return };
    send(&*broker, &[("live".into(), letter("a", 1))]).await;
    send(&*broker, &letters(&["b", "c", "d"], 300)).await;
    for group in ["first", "second"] {
        let mut member = broker.join(group, &["live".into()]).await.unwrap();
        let came = by_key(&mut *member, 301).await;
        assert_eq!(came.len(), 4);
        for (key, ids) in came {
            assert!(ids.is_sorted(), "{key}: {ids:?}");
        }
        member.leave().await;
    }
    let looked = broker.look("live", 1_000).await.unwrap();
    assert_eq!(looked.len(), 301);
    assert!(looked.contains(&letter("a", 1)), "nothing is changed on the way");
    assert_eq!(broker.look("live", 10).await.unwrap().len(), 10);
    assert!(broker.look("chat", 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_is_older_than_what_kafka_keeps_is_kept_from_when_it_was_sent() {
    let Some(server) = KafkaProcess::start("old") else { return };
    let broker = open(&server.url(), "old");
    broker.make(&["live".into(), "strange".into()], 1).await.unwrap();
    let old = letter("a", 1);
    send(&*broker, &[("live".into(), old.clone())]).await;
    throw_away_an_old_record(&server.url(), "old.strange", old.fact.at).await;
    assert_eq!(broker.look("live", 10).await.unwrap(), [old]);
}

/// Sends a record that bears this time, and waits until Kafka has looked and found it over.
async fn throw_away_an_old_record(url: &str, topic: &str, at: Timestamp) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", url.strip_prefix("kafka://").unwrap()).set("group.id", "strange");
    let producer: FutureProducer = config.create().unwrap();
    let record = FutureRecord::to(topic).key("a").payload("{}").timestamp(at.as_millis());
    producer.send(record, PATIENCE).await.unwrap();
    let reader: BaseConsumer = config.create().unwrap();
    let begun = Instant::now();
    while reader.fetch_watermarks(topic, 0, PATIENCE).unwrap().0 == 0 {
        assert!(begun.elapsed() < PATIENCE, "this Kafka throws nothing away");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_done_comes_again_and_what_was_does_not() {
    let Some(broker) = shared().await else { return };
    send(&*broker, &letters(&["a"], 3)).await;
    let mut member = broker.join("group", &["live".into()]).await.unwrap();
    assert_eq!(by_key(&mut *member, 2).await["a"], [1, 2]);
    assert_eq!(next(&mut *member).await.fact.cursor.id, 3);
    member.leave().await;
    let mut member = broker.join("group", &["live".into()]).await.unwrap();
    assert_eq!(by_key(&mut *member, 1).await["a"], [3]);
    member.leave().await;
    send(&*broker, &[("live".into(), letter("a", 4))]).await;
    let mut member = broker.join("group", &["live".into()]).await.unwrap();
    assert_eq!(next(&mut *member).await.fact.cursor.id, 4);
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_not_there_are_named_and_made_once() {
    let Some((url, prefix)) = kafka_names() else { return };
    let broker = open(&url, &prefix);
    let topics = ["live".to_owned(), "chat".to_owned()];
    assert_eq!(broker.missing(&topics).await.unwrap(), [format!("{prefix}.live"), format!("{prefix}.chat")]);
    let refused = broker.join("group", &topics).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("{prefix}.live, {prefix}.chat")), "{refused}");
    broker.make(&topics[..1], 2).await.unwrap();
    broker.make(&topics, 2).await.unwrap();
    assert!(broker.missing(&topics).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_loses_nothing_and_keeps_the_order() {
    let Some(server) = KafkaProcess::start("outage") else { return };
    let broker = open(&server.url(), "outage");
    broker.make(&["live".into()], 4).await.unwrap();
    let mut member = broker.join("group", &["live".into()]).await.unwrap();
    let keys = ["a", "b", "c"];
    let all = letters(&keys, 600);
    send(&*broker, &all[..200]).await;
    let mut came = by_key(&mut *member, 100).await;
    server.crash();
    let waiting = {
        let (broker, some) = (broker.clone(), all[200..400].to_vec());
        tokio::spawn(async move { send(&*broker, &some).await })
    };
    assert!(tokio::time::timeout(Duration::from_secs(2), broker.send(&all[..1])).await.is_err(), "kept by nobody");
    server.resume();
    waiting.await.unwrap();
    send(&*broker, &all[400..]).await;
    let mut seen: BTreeSet<i64> = came.values().flatten().copied().collect();
    while seen.len() < all.len() {
        let letter = next(&mut *member).await;
        seen.insert(letter.fact.cursor.id);
        came.entry(letter.fact.key).or_default().push(letter.fact.cursor.id);
        let _ = member.done();
    }
    for (key, ids) in came {
        let mut first = BTreeSet::new();
        let firsts: Vec<i64> = ids.into_iter().filter(|id| first.insert(*id)).collect();
        assert!(firsts.is_sorted(), "{key}: {firsts:?}");
    }
    member.leave().await;
}
