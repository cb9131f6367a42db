//! PostgreSQL's connections are cut, and it is killed and started again.

use super::{Chance, yard::Yard};
use crate::{outage::Server, parts::Ground};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_restarted_and_its_connections_are_cut() {
    let (server, mut chance) = (Server::start("fault"), Chance::new());
    let yard = Yard::open(Ground::on(server.url().to_owned()), &[]).await;
    let load = yard.load().await;
    load.answers(chance.soon()).await;

    server.cut_connections().await;
    let after_the_cut = load.recovery().await;
    load.answers(chance.soon()).await;
    server.run("crash");
    server.run("resume");
    let after_the_restart = load.recovery().await;
    load.answers(chance.soon()).await;
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    let recovery = format!("{after_the_cut:.1} s after the cut, {after_the_restart:.1} s after it answers");
    reckoning.is_right("6. PostgreSQL's connections are cut, then it is killed and started", &recovery, chance.seed);
}
