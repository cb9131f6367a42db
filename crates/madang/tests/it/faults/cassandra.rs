//! Cassandra, which has the rooms, is stopped: who writes is told to come back.

use engines::testing::CassandraProcess;

use super::{Chance, away, yard::Yard};
use crate::{cassandra::ENGINE, parts::Ground};

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_is_stopped_for_a_while() {
    let Some(server) = CassandraProcess::start("fault") else { return };
    let (keyspace, mut chance) = (server.keyspace(), Chance::new());
    let yard = Yard::open(Ground::new().await, &[(ENGINE, &keyspace)]).await;
    let load = yard.load().await;
    load.answers(chance.soon()).await;

    server.crash();
    tokio::time::sleep(away()).await;
    server.resume();
    let recovery = load.recovery().await;
    load.answers(chance.soon()).await;
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    let fault = format!("5. Cassandra is stopped for {} s", away().as_secs());
    reckoning.is_right(&fault, &format!("{recovery:.1} s after it answers"), chance.seed);
}
