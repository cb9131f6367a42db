//! Kafka is stopped: nobody who writes notices, and reactions make up for it.

use std::time::Instant;

use engines::testing::KafkaProcess;

use super::{Chance, away, yard::Yard};
use crate::{
    kafka::{ENGINE, NAMES, events},
    parts::Ground,
};

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_stopped_for_a_while() {
    let Some(kafka) = KafkaProcess::start("fault") else { return };
    let (url, mut chance) = (kafka.url(), Chance::new());
    let (made, told) = events(&["topics", "--partitions", "2"], &url, "fault").await;
    assert!(made, "{told}");
    let yard = Yard::open(Ground::new().await, &[(ENGINE, &url), (NAMES, "fault")]).await;
    let load = yard.load().await;
    load.answers(chance.soon()).await;

    kafka.crash();
    let gone = Instant::now();
    let said_once = yard.said_once().await;
    tokio::time::sleep(away()).await;
    load.answers(1).await;
    let away_s = gone.elapsed().as_secs();
    kafka.resume();
    load.answers(chance.soon()).await;
    let back = Instant::now();
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    yard.counts_of(&said_once, 1).await;
    let counted = format!("at once; all are counted {:.1} s after the last one", back.elapsed().as_secs_f64());
    reckoning.is_right(&format!("4. Kafka is stopped for {away_s} s"), &counted, chance.seed);
}
