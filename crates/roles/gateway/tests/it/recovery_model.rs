//! Whatever happens, each subscriber sees every offset once and in order, in whatever form it reads.

use std::{collections::HashMap, sync::atomic::Ordering};

use gateway::{Settings, needs::ChannelRules};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use crate::{
    readers::{Read, Reader},
    server::Server,
};

/// What happens in one run.
#[derive(Debug, Clone)]
enum Step {
    /// So many publications, all delivered.
    Publish(u8),
    /// So many publications the bus loses.
    Lose(u8),
    /// Publications the bus delivers backwards.
    Swap(u8),
    /// A client drops its connection and comes back with the position it has.
    Reconnect(usize),
    /// A client drops its connection and comes back with an earlier position.
    GoBack(usize, u64),
    /// A client reads what has come for it, up to so many messages.
    Read(usize, u8),
    /// The gateway is gone, and another one is there.
    Restart,
}

/// One for each form of reading.
const CLIENTS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40_u8).prop_map(Step::Publish),
        1 => (1..40_u8).prop_map(Step::Lose),
        1 => (2..10_u8).prop_map(Step::Swap),
        3 => (0..CLIENTS).prop_map(Step::Reconnect),
        1 => (0..CLIENTS, 0..200_u64).prop_map(|(client, back)| Step::GoBack(client, back)),
        3 => (0..CLIENTS, 1..60_u8).prop_map(|(client, count)| Step::Read(client, count)),
        1 => Just(Step::Restart),
    ]
}

/// A subscriber as the model sees it: the next offset it must get.
struct Subscriber {
    reader: Reader,
    next: u64,
}

/// What is published at an offset: mostly the same as before, so that differences are worth it.
fn text(number: u64) -> String {
    json!([number, "이 말은 언제나 같은 말입니다", number / 8]).to_string()
}

impl Subscriber {
    async fn subscribe(server: &Server, form: usize, from: u64) -> Self {
        // While the reply is under way, others publish.
        let (reader, missed) = Reader::recover(server, form, from).await;
        let mut subscriber = Self { reader, next: from + 1 };
        missed.iter().for_each(|read| subscriber.check(read));
        subscriber
    }

    async fn read(&mut self) {
        let read = self.reader.read().await;
        self.check(&read);
    }

    fn check(&mut self, read: &Read) {
        assert_eq!(read.offset, self.next, "a hole or a repetition");
        assert_eq!(read.data.to_string(), text(self.next), "something else at this offset");
        self.next += 1;
    }
}

async fn run(steps: Vec<Step>) {
    let settings =
        Settings { ring_publications: 16, ring_burst_bytes: 0, flush_interval_max_ms: 1, ..Default::default() };
    let mut server = Server::with(settings.clone()).await;
    let world = server.world.clone();
    world.offer("room:1", |rules| ChannelRules { delta: true, ..rules });
    let mut published = 0;
    // The newest publication the bus has told of, and with it of all before.
    let mut told = 0;
    let mut readers = HashMap::new();
    for index in 0..CLIENTS {
        readers.insert(index, Subscriber::subscribe(&server, index, 0).await);
    }
    for step in steps {
        match step {
            Step::Publish(count) => {
                // Concurrently with whatever the clients do next.
                let world = world.clone();
                let numbers = published + 1..=published + u64::from(count);
                published += u64::from(count);
                let publishing = tokio::spawn(async move {
                    for number in numbers {
                        world.publish("room:1", &text(number));
                        tokio::task::yield_now().await;
                    }
                });
                let index = published as usize % CLIENTS;
                let reader = readers.get_mut(&index).unwrap();
                let earlier = reader.next - 1;
                *reader = Subscriber::subscribe(&server, index, earlier).await;
                publishing.await.unwrap();
                told = published;
            }
            Step::Lose(count) => {
                world.bus.losing.store(true, Ordering::Relaxed);
                for _ in 0..count {
                    published += 1;
                    world.publish("room:1", &text(published));
                }
                world.bus.losing.store(false, Ordering::Relaxed);
            }
            Step::Swap(count) => {
                let texts: Vec<String> = (0..u64::from(count)).map(|step| text(published + 1 + step)).collect();
                published += u64::from(count);
                let publications: Vec<_> =
                    texts.iter().map(|text| world.publication(world.log.add("room:1", text), text)).collect();
                for publication in publications.into_iter().rev() {
                    world.bus.deliver("room:1", &[publication]);
                }
                told = published;
            }
            Step::Reconnect(index) => {
                let position = readers.remove(&index).unwrap().next - 1;
                readers.insert(index, Subscriber::subscribe(&server, index, position).await);
            }
            Step::GoBack(index, back) => {
                let position = (readers.remove(&index).unwrap().next - 1).saturating_sub(back);
                readers.insert(index, Subscriber::subscribe(&server, index, position).await);
            }
            Step::Restart => {
                server = Server::of(world.clone(), settings.clone()).await;
                // Who opens the room anew sees all that is in the log.
                told = published;
                for (index, subscriber) in &mut readers {
                    *subscriber = Subscriber::subscribe(&server, *index, subscriber.next - 1).await;
                }
            }
            Step::Read(index, count) => {
                let reader = readers.get_mut(&index).unwrap();
                for _ in 0..u64::from(count).min((told + 1).saturating_sub(reader.next)) {
                    reader.read().await;
                }
            }
        }
    }
    published += 1;
    world.publish("room:1", &text(published));
    for reader in readers.values_mut() {
        while reader.next <= published {
            reader.read().await;
        }
    }
}

#[test]
fn each_subscriber_sees_every_offset_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 24, max_shrink_iters: 50, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(step(), 1..30), |steps| {
            runtime.block_on(run(steps));
            Ok(())
        })
        .unwrap();
}
