//! Several gateways on one bus, in one process: no clients, words alone.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use engines::system::SystemClock;
use kernel::Caller;

use super::*;
use crate::{
    Settings, Target,
    needs::{
        ChannelRules, Channels, Client, ClientError, ConnectRequest, Connected, Connector, Refused, SubscribeRequest,
    },
    protocol::codes,
};

/// A bus that several gateways share.
#[derive(Default)]
struct Air(Mutex<Vec<Arc<Place>>>);

/// One gateway's end of it.
#[derive(Default)]
struct Place {
    listener: OnceLock<Arc<dyn Listener>>,
    channels: Mutex<HashSet<String>>,
    is_deaf: AtomicBool,
    is_mute: AtomicBool,
}

struct End {
    air: Arc<Air>,
    place: Arc<Place>,
}

#[async_trait]
impl Bus for End {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        if self.place.is_mute.load(Ordering::SeqCst) {
            return Err(BusError("cut".into()));
        }
        for place in self.air.0.lock().unwrap().iter() {
            let hears = !place.is_deaf.load(Ordering::SeqCst) && place.channels.lock().unwrap().contains(channel);
            if let Some(listener) = place.listener.get().filter(|_| hears) {
                listener.deliver(channel, &publications);
            }
        }
        Ok(())
    }

    async fn announce(&self, _: &str, _: Vec<Movement>) -> Result<(), BusError> {
        Ok(())
    }

    fn attach(&self, listener: Arc<dyn Listener>) {
        assert!(self.place.listener.set(listener).is_ok());
    }

    async fn subscribe(&self, channel: &str) -> Result<(), BusError> {
        self.place.channels.lock().unwrap().insert(channel.to_owned());
        Ok(())
    }

    async fn unsubscribe(&self, channel: &str) {
        self.place.channels.lock().unwrap().remove(channel);
    }
}

/// Nobody connects, and there are no channels.
struct Nobody;

#[async_trait]
impl Connector for Nobody {
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused> {
        Ok(Connected::new(Caller::anonymous(request.address)))
    }
}

#[async_trait]
impl Channels for Nobody {
    async fn open(&self, _: &Client, _: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        Err(codes::UNKNOWN_CHANNEL.into())
    }
    async fn publish(&self, _: &Client, _: &str, _: Option<&ChannelRules>, _: Bytes) -> Result<(), ClientError> {
        Err(codes::UNKNOWN_CHANNEL.into())
    }
    async fn rpc(&self, _: &Client, _: &str, _: Bytes) -> Result<Bytes, ClientError> {
        Err(codes::METHOD_NOT_FOUND.into())
    }
}

async fn gateways(count: u64) -> Vec<(Arc<Gateway>, Arc<Place>)> {
    let air = Arc::new(Air::default());
    let mut all = Vec::new();
    for seed in 1..=count {
        let place = Arc::new(Place::default());
        air.0.lock().unwrap().push(place.clone());
        let bus = Arc::new(End { air: air.clone(), place: place.clone() });
        let settings = Settings { shares_bus: true, url: format!("ws://{seed}"), ..Settings::default() };
        let clock = Arc::new(SystemClock);
        all.push((Gateway::new(settings, bus, Arc::new(Nobody), Arc::new(Nobody), clock, seed), place));
    }
    let joined = futures_util::future::join_all(all.iter().map(|(gateway, _)| gateway.join())).await;
    assert!(joined.iter().all(Result::is_ok));
    all
}

fn urls(gateway: &Gateway) -> Vec<String> {
    let mut urls: Vec<String> = gateway.gateways().into_iter().map(|profile| profile.url).collect();
    urls.sort();
    urls
}

fn order() -> Question {
    let target = Target::User { user: "1".into(), except: Vec::new() };
    Question::Refresh { target, expires_at_ms: None, conn_info: None }
}

#[tokio::test(start_paused = true)]
async fn they_know_each_other_until_one_is_gone_or_dies() {
    let all = gateways(3).await;
    for (gateway, _) in &all {
        assert_eq!(urls(gateway), ["ws://1", "ws://2", "ws://3"]);
    }
    assert_eq!(all[0].0.nodes().await.unwrap().len(), 3);
    all[2].0.shutdown().await;
    // All that is to be done is done before the clock goes on.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(urls(&all[0].0), ["ws://1", "ws://2"], "it has said that it goes");

    // The second dies: nobody hears it any more.
    all[1].1.is_mute.store(true, Ordering::SeqCst);
    tokio::time::sleep(LEASE - HELLO_EVERY * 2).await;
    assert_eq!(urls(&all[0].0), ["ws://1", "ws://2"], "its lease runs");
    tokio::time::sleep(HELLO_EVERY * 3).await;
    assert_eq!(urls(&all[0].0), ["ws://1"]);
    assert_eq!(all[0].0.order_all(order()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_one_may_not_have_heard_fails_and_a_reading_does_without() {
    let all = gateways(3).await;
    assert_eq!(all[0].0.order_all(order()).await, Ok(()));
    all[2].1.is_deaf.store(true, Ordering::SeqCst);
    assert_eq!(all[0].0.order_all(order()).await, Err(Unanswered::Missing(1)));
    assert_eq!(all[0].0.nodes().await.unwrap().len(), 2);

    // The deaf one sees it itself, as soon as it could have heard its own word.
    tokio::time::sleep(LEASE + HELLO_EVERY).await;
    assert_eq!(all[2].0.order_all(order()).await, Err(Unanswered::Deaf));
    assert!(!all[2].0.hears_others());
    all[2].1.is_deaf.store(false, Ordering::SeqCst);
    tokio::time::sleep(HELLO_EVERY * 2).await;
    assert_eq!(all[2].0.order_all(order()).await, Ok(()));
    assert!(all[2].0.hears_others());

    // One that cannot speak can order nothing.
    all[1].1.is_mute.store(true, Ordering::SeqCst);
    assert_eq!(all[1].0.order_all(order()).await, Err(Unanswered::Bus("the bus is out of reach: cut".into())));
}

#[tokio::test(start_paused = true)]
async fn what_another_version_asks_is_answered_and_what_is_too_large_too() {
    let all = gateways(2).await;
    let Some(shared) = &all[0].0.shared().fleet.shared else { panic!("it has others") };
    let question = serde_json::value::to_raw_value(&serde_json::json!({ "dance": { "steps": 5 } })).unwrap();
    let asked = Asked { from: shared.id.clone(), number: 7, question };
    let (_, place) = &all[1];
    let said = Publication { data: serde_json::to_vec(&Word::Asks(asked)).unwrap().into(), ..Publication::default() };
    let mut answers = shared.pending.expect(7);
    place.listener.get().unwrap().deliver(ALL, &[said]);
    let (_, answer) = answers.recv().await.unwrap();
    assert!(matches!(answer, Answer::Unknown), "{answer:?}");

    let channel = |number| crate::ChannelSummary { name: format!("{number:0200}"), clients: 1 };
    assert!(matches!(Answer::Channels((0..9_000).map(channel).collect()).bounded(), Answer::Channels(_)));
    assert!(matches!(Answer::Channels((0..10_000).map(channel).collect()).bounded(), Answer::TooLarge));
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_a_moment_ago_is_not_asked_again() {
    let all = gateways(2).await;
    let asked = || async { all[0].0.shared().presence_stats("lobby").await.map(|stats| stats.clients) };
    assert_eq!(asked().await, Ok(0));
    let (_, place) = &all[1];
    place.is_mute.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    assert_eq!(asked().await, Ok(0));
    assert_eq!(begun.elapsed(), Duration::ZERO, "the answer is the one of before");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let begun = Instant::now();
    assert_eq!(asked().await, Ok(0));
    assert!(begun.elapsed() > Duration::ZERO, "it was asked, and there was no answer");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_word_changes_nothing() {
    let all = gateways(2).await;
    let (gateway, place) = &all[0];
    let said = Publication { data: Bytes::from_static(b"{\"hello\":1}"), ..Publication::default() };
    place.listener.get().unwrap().deliver(ALL, &[said]);
    assert_eq!(gateway.order_all(order()).await, Ok(()));
    assert_eq!(urls(gateway).len(), 2);
}

#[test]
fn users_are_the_same_everywhere() {
    // Also in the processes of other versions.
    assert_eq!(answering::hash(""), 0xe220_a839_7b1d_cdaf);
    assert_eq!(answering::hash("42"), 0xf7cf_8584_e970_d902);
}
