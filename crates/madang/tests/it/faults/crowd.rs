//! What bursts count together is lost under them, again and again.

use super::{Chance, away, is_full, yard::Yard};
use crate::parts::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_emptied_and_stopped_while_two_bursts_count() {
    let mut chance = Chance::new();
    let mut yard = Yard::open(Ground::new().await, &[]).await;
    let load = yard.load().await;
    let times = if is_full() { 20 } else { 4 };
    for _ in 0..times {
        load.answers(chance.soon()).await;
        yard.ground.redis().empty();
    }
    yard.ground.redis_mut().kill(0);
    tokio::time::sleep(away()).await;
    let while_away = load.recovery().await;
    yard.ground.redis_mut().start(0);
    load.answers(chance.soon()).await;
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    let recovery = format!("writers and hearts do not wait for it; answered within {while_away:.1} s while it is away");
    let stopped_s = away().as_secs();
    let fault = format!("3. Redis is emptied {times} times, then stopped for {stopped_s} s, under two bursts");
    reckoning.is_right(&fault, &recovery, chance.seed);
}
