//! The bus between processes.

use std::{sync::Arc, time::Duration};

use engines::redis::{Names, RedisBus, RedisServers};
use engines::testing::RedisProcesses;
use ports::{
    bus::Bus,
    contract::{
        self,
        bus::{Ear, plain},
    },
};

use tokio::time::timeout;

use crate::{all, servers};

async fn bus(processes: &RedisProcesses) -> Arc<dyn Bus> {
    Arc::new(RedisBus::connect(&servers(processes).await).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_promise_of_a_bus() {
    for processes in all() {
        contract::bus::run(&[bus(&processes).await, bus(&processes).await, bus(&processes).await]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_listener_hears_again_after_the_server_was_killed_and_is_told_of_the_gap() {
    let Some(mut processes) = RedisProcesses::one() else { return };
    let (speaking, hearing) = (bus(&processes).await, bus(&processes).await);
    let ear = Ear::on(&hearing);
    hearing.subscribe("room").await.unwrap();
    speaking.publish("room", vec![plain("1")]).await.unwrap();
    ear.until("the first", |ear| ear.heard_on("room").len() == 1).await;
    processes.kill(0);
    assert!(speaking.publish("room", vec![plain("2")]).await.is_err(), "nobody carries it");
    processes.start(0);
    ear.until("the gap", |ear| ear.interruptions() > 0).await;
    while speaking.publish("room", vec![plain("3")]).await.is_err() {
        tokio::task::yield_now().await;
    }
    ear.until("the third", |ear| ear.heard_on("room").len() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_listener_hears_again_after_a_replica_took_over() {
    let Some(mut processes) = RedisProcesses::cluster() else { return };
    let (speaking, hearing) = (bus(&processes).await, bus(&processes).await);
    let ear = Ear::on(&hearing);
    // Rooms on every server: those on the others go on undisturbed.
    let rooms: Vec<String> = (0..24).map(|number| format!("room:{number}")).collect();
    for room in &rooms {
        hearing.subscribe(room).await.unwrap();
    }
    processes.kill(processes.master_of("madang|test|bus:{room:0}"));
    ear.until("the gap", |ear| ear.interruptions() > 0).await;
    processes.wait_until_whole();
    for room in &rooms {
        // What is published before the room is heard again is lost: that is what the listener was told of.
        let again = Duration::from_millis(250);
        while speaking.publish(room, vec![plain("1")]).await.is_err()
            || timeout(again, ear.until(room, |ear| !ear.heard_on(room).is_empty())).await.is_err()
        {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_redis_is_said() {
    let names = Names::new("madang", "test");
    let wrong = RedisServers::find(&["http://127.0.0.1".to_owned()], names.clone()).await;
    assert!(wrong.is_err());
    let nobody = RedisServers::find(&["redis://127.0.0.1:1".to_owned()], names.clone()).await;
    assert!(nobody.unwrap_err().to_string().contains("refused"));
    let (Some(one), Some(other)) = (RedisProcesses::one(), RedisProcesses::one()) else { return };
    let several = RedisServers::find(&[one.urls(), other.urls()].concat(), names).await;
    assert!(several.unwrap_err().to_string().contains("not those of a cluster"));
}
