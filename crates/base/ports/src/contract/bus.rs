//! What every engine of [`crate::bus`] must keep.
//!
//! Each process is a bus of its own with one listener. Not in here, because it needs the engine's own ways: that an
//! interruption is noticed and told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{
    about::{About, ClientInfo},
    bus::{Bus, Listener, Movement, Position, Publication},
    room_log::Redaction,
};

/// How long something may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the whole suite on the buses of several processes (at least one), all of them fresh.
pub async fn run(buses: &[Arc<dyn Bus>]) {
    let ears: Vec<Arc<Ear>> = buses.iter().map(Ear::on).collect();
    publications_arrive_whole_and_in_order(buses, &ears).await;
    channels_do_not_know_each_other(buses, &ears).await;
    who_comes_and_goes_is_told(buses, &ears).await;
    what_is_given_up_is_not_heard_any_more(buses, &ears).await;
    odd_names_are_names(buses, &ears).await;
}

/// Remembers what a process hears.
#[derive(Default)]
pub struct Ear {
    heard: Mutex<Vec<(String, Heard)>>,
    interruptions: Mutex<usize>,
    news: Notify,
}

/// One thing a process heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It was published.
    Publication(Publication),
    /// Somebody came or went.
    Movement(Movement),
}

impl Ear {
    /// An ear on this bus.
    pub fn on(bus: &Arc<dyn Bus>) -> Arc<Self> {
        let ear = Arc::new(Self::default());
        bus.attach(ear.clone());
        ear
    }

    /// What was heard on a channel so far.
    pub fn heard_on(&self, channel: &str) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(on, _)| on == channel).map(|(_, heard)| heard.clone()).collect()
    }

    /// How often something may have been missed.
    pub fn interruptions(&self) -> usize {
        *self.interruptions.lock().unwrap()
    }

    /// Waits until this is so, whenever something was heard.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let news = self.news.notified();
                if is_so(self) {
                    return;
                }
                news.await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
    }

    fn push(&self, channel: &str, all: impl Iterator<Item = Heard>) {
        self.heard.lock().unwrap().extend(all.map(|heard| (channel.to_owned(), heard)));
        self.news.notify_waiters();
    }
}

impl Listener for Ear {
    fn deliver(&self, channel: &str, publications: &[Publication]) {
        self.push(channel, publications.iter().cloned().map(Heard::Publication));
    }

    fn announce(&self, channel: &str, movements: &[Movement]) {
        self.push(channel, movements.iter().cloned().map(Heard::Movement));
    }

    fn interrupted(&self) {
        *self.interruptions.lock().unwrap() += 1;
        self.news.notify_waiters();
    }
}

/// A publication that is nothing but its data.
pub fn plain(data: &str) -> Publication {
    Publication { data: Bytes::copy_from_slice(data.as_bytes()), ..Publication::default() }
}

fn info(client: &str) -> Arc<ClientInfo> {
    let conn_info = Some(Bytes::from_static(br#"{"a":1}"#));
    Arc::new(ClientInfo { user: "hana".into(), client: client.into(), conn_info, chan_info: None })
}

async fn publications_arrive_whole_and_in_order(buses: &[Arc<dyn Bus>], ears: &[Arc<Ear>]) {
    for bus in buses {
        bus.subscribe("order").await.unwrap();
    }
    let rich = Publication {
        position: Some(Position { offset: u64::MAX, epoch: "시대".into() }),
        data: Bytes::from_static("{\"text\":\"마당\"}".as_bytes()),
        redacts: Some(Redaction { offset: 7, replacement: Bytes::from_static(b"{}") }),
        about: Some(Arc::new(About { info: Some(info("one")), tags: vec![("a".into(), "b".into())] })),
    };
    let mut sent = vec![rich];
    sent.extend((0..500).map(|number| plain(&number.to_string())));
    let speaker = buses.last().unwrap();
    for group in sent.chunks(7) {
        speaker.publish("order", group.to_vec()).await.unwrap();
    }
    let expected: Vec<Heard> = sent.into_iter().map(Heard::Publication).collect();
    for ear in ears {
        ear.until("every publication", |ear| ear.heard_on("order").len() >= expected.len()).await;
        assert_eq!(ear.heard_on("order"), expected, "as they were published, once each");
    }
}

async fn channels_do_not_know_each_other(buses: &[Arc<dyn Bus>], ears: &[Arc<Ear>]) {
    for (number, bus) in buses.iter().enumerate() {
        bus.subscribe(&format!("own:{number}")).await.unwrap();
        bus.subscribe("everyone's").await.unwrap();
    }
    for number in 0..buses.len() {
        buses[0].publish(&format!("own:{number}"), vec![plain("1")]).await.unwrap();
    }
    buses[0].publish("nobody's", vec![plain("2")]).await.unwrap();
    buses[0].publish("everyone's", vec![plain("3")]).await.unwrap();
    for (number, ear) in ears.iter().enumerate() {
        let own = format!("own:{number}");
        ear.until("one's own and everyone's", |ear| {
            !ear.heard_on("everyone's").is_empty() && !ear.heard_on(&own).is_empty()
        })
        .await;
        for other in (0..ears.len()).filter(|other| *other != number) {
            assert!(ear.heard_on(&format!("own:{other}")).is_empty(), "it never asked for it");
        }
        assert!(ear.heard_on("nobody's").is_empty());
    }
}

async fn who_comes_and_goes_is_told(buses: &[Arc<dyn Bus>], ears: &[Arc<Ear>]) {
    for bus in buses {
        bus.subscribe("movements").await.unwrap();
    }
    let moved = vec![Movement::Joined(info("one")), Movement::Joined(info("two")), Movement::Left(info("one"))];
    buses[0].announce("movements", moved.clone()).await.unwrap();
    let expected: Vec<Heard> = moved.into_iter().map(Heard::Movement).collect();
    for ear in ears {
        ear.until("three movements", |ear| ear.heard_on("movements").len() >= 3).await;
        assert_eq!(ear.heard_on("movements"), expected);
    }
}

async fn what_is_given_up_is_not_heard_any_more(buses: &[Arc<dyn Bus>], ears: &[Arc<Ear>]) {
    let (bus, ear) = (&buses[0], &ears[0]);
    for channel in ["given up", "kept", "kept"] {
        bus.subscribe(channel).await.expect("also when it is heard already");
    }
    bus.unsubscribe("given up").await;
    bus.unsubscribe("never heard").await;
    bus.publish("given up", vec![plain("1")]).await.unwrap();
    bus.publish("kept", vec![plain("1")]).await.unwrap();
    ear.until("the kept one", |ear| !ear.heard_on("kept").is_empty()).await;
    assert_eq!(ear.heard_on("kept").len(), 1, "heard twice or not, it is told once");
    bus.subscribe("given up").await.unwrap();
    bus.publish("given up", vec![plain("2")]).await.unwrap();
    ear.until("the one that was taken up again", |ear| !ear.heard_on("given up").is_empty()).await;
    assert_eq!(ear.heard_on("given up"), [Heard::Publication(plain("2"))]);
}

async fn odd_names_are_names(buses: &[Arc<dyn Bus>], ears: &[Arc<Ear>]) {
    for name in ["{", "}", "{}", "a}b", "{a}b", "마당:1", "a b", "a|b", "*"] {
        buses[0].subscribe(name).await.unwrap();
        buses[0].publish(name, vec![plain("\"odd\"")]).await.unwrap();
        ears[0].until(name, |ear| !ear.heard_on(name).is_empty()).await;
    }
}
