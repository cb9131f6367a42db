//! Workers and batches are killed in the middle of what they do.

use engines::sql;
use ports::{sql::Database, sqlx};
use serde_json::{Value, json};

use super::{Chance, is_full, yard::Yard};
use crate::{
    parts::{Ground, Process},
    site::{id, until},
};

/// Shows that nobody sends a stream to: after two seconds the batch ends them.
const SETTINGS: [(&str, &str); 1] = [("MADANG_LIVE_PAUSE_MAX_S", "2")];

/// Started shows of hosts of their own.
async fn idle_shows(api: &Process, round: usize, count: usize) -> Vec<Value> {
    let mut shows = Vec::new();
    for number in 0..count {
        let host = api.person(&format!("idle{round}x{number}")).await;
        let show = api.api.post("/api/v1/broadcasts", Some(&host), &json!({ "title": "Idle" })).await.unwrap();
        api.api.post(&format!("/api/v1/broadcasts/{}/start", id(&show)), Some(&host), &json!({})).await.unwrap();
        shows.push(show);
    }
    shows
}

/// How often it was told that the show has ended.
async fn ends(database: &Database, show: &Value) -> i64 {
    let text =
        "SELECT COUNT(*) FROM outbox WHERE kind = 'live.broadcast_changed' AND payload LIKE $1 AND payload LIKE $2";
    let of_show = format!("%\"broadcast\":\"{}\"%", id(show));
    let query = sqlx::query_scalar(text).bind(of_show).bind("%\"state\":\"ended\"%");
    query.fetch_one(database.reader()).await.unwrap()
}

/// The place of the process that has the lease: it is the one at work.
async fn at_work(processes: &[Process], lease: &str) -> usize {
    let held = format!("madang_lease_held{{lease=\"{lease}\"}}");
    until("one is at work", || async {
        for (place, process) in processes.iter().enumerate() {
            if process.metric(&held).await == Some(1.0) {
                return Some(place);
            }
        }
        None
    })
    .await
}

/// Up to which offset messages are counted.
async fn counted_through(database: &Database) -> i64 {
    let through = "SELECT CAST(COALESCE(SUM(through_offset), 0) AS BIGINT) FROM chat_counted";
    sqlx::query_scalar(through).fetch_one(database.reader()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_batches_are_killed_in_the_middle_of_reactions_and_of_a_batch() {
    let (rounds, count) = if is_full() { (10, 20) } else { (2, 5) };
    let mut chance = Chance::new();
    let mut yard = Yard::open(Ground::new().await, &SETTINGS).await;
    let database = sql::postgres(&yard.ground.sql, 1).await.unwrap();
    let load = yard.load().await;
    let mut slowest: f64 = 0.0;
    for round in 0..rounds {
        let shows = idle_shows(&yard.apis[round % 2], round, count).await;
        let some = chance.below(count as u64) as usize;
        until("the batch is at work", || async { (ends(&database, &shows[some]).await > 0).then_some(()) }).await;
        let begun = std::time::Instant::now();
        let batch = at_work(&yard.batches, "batch").await;
        yard.batches[batch].end(false).await;
        for show in &shows {
            until("all shows end", || async { (ends(&database, show).await > 0).then_some(()) }).await;
        }
        slowest = slowest.max(begun.elapsed().as_secs_f64());
        let worker = at_work(&yard.workers, "reaction/chat-count-messages").await;
        let before = counted_through(&database).await;
        until("it counts", || async { (counted_through(&database).await > before).then_some(()) }).await;
        yard.workers[worker].end(false).await;
        load.answers(chance.soon()).await;
        yard.batches[batch] = yard.process("batch", &format!("batch-{batch}"), &[]).await;
        yard.workers[worker] = yard.process("worker", &format!("worker-{worker}"), &[]).await;
        for show in &shows {
            assert_eq!(ends(&database, show).await, 1, "each show ends once");
        }
    }
    let begun = std::time::Instant::now();
    let reckoning = load.end(&yard.apis[0]).await;
    yard.counts(reckoning.messages).await;
    let counted = begun.elapsed().as_secs_f64();
    database.close().await;
    let fault = format!("2. A worker and a batch are killed, {rounds} times");
    let recovery =
        format!("the batch's work goes on within {slowest:.1} s; all are counted {counted:.1} s after the last one");
    reckoning.is_right(&fault, &recovery, chance.seed);
}
