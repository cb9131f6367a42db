//! Gatherings that processes share.

use std::sync::Arc;

use engines::{
    redis::RedisGatherings,
    testing::{LocalGatherings, RedisProcesses},
};
use kernel::Timestamp;
use ports::{
    contract,
    gatherings::{Gatherings, Movement, Told, Word},
};

use crate::{all, servers};

async fn gatherings(processes: &RedisProcesses) -> Arc<dyn Gatherings> {
    Arc::new(RedisGatherings::connect(&servers(processes).await).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn they_keep_the_promise() {
    for processes in all() {
        contract::gatherings::run(&gatherings(&processes).await, &gatherings(&processes).await).await;
    }
}

#[tokio::test]
async fn those_of_tests_keep_it_too() {
    let local: Arc<dyn Gatherings> = Arc::new(LocalGatherings::default());
    contract::gatherings::run(&local, &local).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_is_asked_for_everything_when_servers_were_emptied_and_goes_on_when_they_were_replaced() {
    for mut processes in all() {
        let gatherings = gatherings(&processes).await;
        let now = Timestamp::from_millis(4_000_000_000_000);
        let movements = vec![Movement { member: 1, at: now, leaves: false }];
        let word = Word { at: now, movements, ..Word::default() };
        let begins = Word { begins: true, ..word.clone() };
        let rooms: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        for room in &rooms {
            assert!(matches!(gatherings.say(room, 1, &begins).await.unwrap(), Told::Present(now) if now.here == 1));
        }
        processes.empty();
        for room in &rooms {
            assert_eq!(gatherings.say(room, 1, &word).await.unwrap(), Told::SayAll);
            assert!(matches!(gatherings.say(room, 1, &begins).await.unwrap(), Told::Present(now) if now.here == 1));
        }
        if processes.urls().len() > 1 {
            processes.kill(processes.master_of("madang|test|gathering:{0}"));
            processes.wait_until_whole();
        } else {
            processes.kill(0);
            assert!(gatherings.say("0", 1, &word).await.is_err(), "nobody answers");
            processes.start(0);
        }
        let begun = std::time::Instant::now();
        // The new one does not have the script.
        while gatherings.say("0", 1, &begins).await.is_err() {
            assert!(begun.elapsed().as_secs() < 30, "it connects again");
        }
    }
}
