//! Every process is replaced, one after the other: half of them are asked to end, half are killed.

use super::{Chance, yard::Yard};
use crate::parts::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_replaced_under_load_and_nothing_that_was_taken_is_lost_or_doubled() {
    let mut chance = Chance::new();
    let mut yard = Yard::open(Ground::new().await, &[]).await;
    let load = yard.load().await;
    let asked_first = chance.below(2) as usize;
    let mut slowest: f64 = 0.0;
    for place in 0..2 {
        load.answers(chance.soon()).await;
        let is_asked = place == asked_first;
        yard.apis[place].end(is_asked).await;
        yard.apis[place] = yard.process("api", &format!("api-{place}"), &[]).await;
        load.apis.set(place, &yard.apis[place]);
        slowest = slowest.max(load.recovery().await);
        yard.batches[place].end(is_asked).await;
        yard.batches[place] = yard.process("batch", &format!("batch-{place}"), &[]).await;
        yard.workers[place].end(is_asked).await;
        yard.workers[place] = yard.process("worker", &format!("worker-{place}"), &[]).await;
        // One that is killed loses the hearts of its last second.
        yard.bursts[place].end(true).await;
        yard.bursts[place] = yard.process("burst", &format!("burst-{place}"), &[]).await;
        load.bursts.set(place, &yard.bursts[place]);
        slowest = slowest.max(load.recovery().await);
    }
    yard.media.end(true).await;
    yard.media_again().await;
    load.answers(chance.soon()).await;

    let reckoning = load.end(&yard.apis[1]).await;
    yard.counts(reckoning.messages).await;
    let recovery = format!("{slowest:.1} s at the most after a new process is ready");
    reckoning.is_right("10. Every process of a site is replaced", &recovery, chance.seed);
}
