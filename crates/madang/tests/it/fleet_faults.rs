//! What several gateways go through under the load of a busy room: every acknowledged message comes to every viewer once and in
//! order, whatever fails. `MADANG_TEST_FAULTS=full` makes the crowds those of the promises; without it they are small.

use engines::testing::RedisProcesses;
use serde_json::{Value, json};

use crate::{
    cable::Cable,
    faults::line,
    fleet::{Fleet, listed, publish, read, subscribe},
    resuming::Crowd,
    site::until,
};

const ROOM: &str = "kept:busy";

/// A line of the table that scripts/test-faults makes; `recovery` says of whom, and after what.
fn tell(fault: &str, told: &Value, recovery: &str) {
    let number = |name: &str| told[name].to_string();
    line(&[fault, &number("messages"), &number("lost"), &number("doubled"), "–", recovery, "–"]);
}

/// A crowd of a size that takes seconds, or the one of the promise.
fn crowd() -> Crowd {
    match std::env::var("MADANG_TEST_FAULTS").as_deref() {
        Ok("full") => Crowd { viewers: 15_000, senders: 9, messages: 900 },
        _ => Crowd { viewers: 60, senders: 6, messages: 12_000 },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_gateways_dies() {
    let mut fleet = Fleet::on_one(3).await;
    let servers = fleet.addresses();
    let (told, ()) = crowd().over(&servers, ROOM, fleet.gateways.remove(0).kill()).await;
    let (clients, gone) = ((crowd().viewers + crowd().senders) as u64, told["reconnected"].as_u64().unwrap());
    assert_eq!(gone, clients / 3, "its clients, and no others: {told}");
    let (half, nearly, all) = (&told["half_live_again_s"], &told["p99_live_again_s"], &told["all_live_again_s"]);
    let recovery = format!(
        "of its {gone} clients half are live elsewhere after {half} s, 99 % after {nearly} s, all after {all} s"
    );
    tell("1. One of three gateways is killed", &told, &recovery);
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_are_restarted_one_after_the_other() {
    let mut fleet = Fleet::on_one(3).await;
    let servers = fleet.addresses();
    let restart = async {
        for _ in 0..servers.len() {
            let next = fleet.gateways.remove(0).stop_and_restart().await;
            fleet.gateways.push(next);
            fleet.all_know_all().await;
        }
    };
    let (told, ()) = crowd().over(&servers, ROOM, restart).await;
    assert!(told["reconnected"].as_u64().unwrap() >= crowd().viewers as u64, "each had to move: {told}");
    tell("10. Three gateways are restarted one after the other", &told, "clients move while they are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_of_the_redis_cluster_is_replaced_and_then_all_of_it_is_emptied() {
    let mut fleet = Fleet::on_cluster(3).await;
    let servers = fleet.addresses();
    let master = fleet.redis.master_of(&format!("{{{ROOM}}}"));
    let redis = &mut fleet.redis;
    let replace = async {
        redis.kill(master);
        redis.wait_until_whole();
    };
    let (told, ()) = crowd().over(&servers, ROOM, replace).await;
    assert_eq!(told["connections_ended"], 0, "clients do not notice: {told}");
    tell("3. A master of the Redis Cluster is killed", &told, "clients do not notice");
    redis.start(master);
    redis.wait_until_whole();

    let count = redis.urls().len();
    let empty = async {
        (0..count).for_each(|number| redis.kill(number));
        (0..count).for_each(|number| redis.start(number));
        redis.wait_until_whole();
    };
    let (told, ()) = crowd().over(&servers, "kept:again", empty).await;
    assert_eq!(told["connections_ended"], 0, "clients do not notice: {told}");
    tell("3. The whole Redis Cluster is stopped and emptied", &told, "clients do not notice");
    fleet.all_know_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_gateway_is_cut_off_from_redis() {
    let redis = RedisProcesses::one().unwrap();
    let url = redis.urls().remove(0);
    let cable = Cable::to(url.strip_prefix("redis://").unwrap().parse().unwrap()).await;
    let fleet = Fleet::on(redis, &[format!("redis://{}", cable.address), url]).await;
    let [cut, whole] = fleet.gateways.as_slice() else { panic!("two") };
    let (mut behind, _) = subscribe(cut, "kept:a", None).await;
    let (mut reader, _) = subscribe(whole, "kept:a", None).await;
    let mut said = publish(whole, "kept:a", "before", 5).await;
    assert_eq!(read(&mut behind, 0, 5).await, said);

    cable.cut();
    said.extend(publish(whole, "kept:a", "of the other", 5).await);
    said.extend(publish(cut, "kept:a", "of the one that is cut off", 2).await);
    let order = json!({ "user": "nobody" });
    until("it knows that it is cut off", || async { cut.api("disconnect", &order).await.err() }).await;
    until("the other forgets it", || async { (listed(whole).await.len() == 1).then_some(()) }).await;
    until("the other speaks for all", || async { whole.api("refresh", &json!({ "user": "x" })).await.ok() }).await;

    cable.mend();
    assert_eq!(read(&mut behind, 5, 7).await, said[5..]);
    assert_eq!(read(&mut reader, 0, 12).await, said);
    fleet.all_know_all().await;
    let last = publish(cut, "kept:a", "last", 3).await;
    assert_eq!(read(&mut reader, 12, 3).await, last);
}
