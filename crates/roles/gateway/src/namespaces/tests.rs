//! Who may do what with the channels of namespaces.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Caller, Clock, Timestamp};
use ports::{
    bus::{Bus, BusError, Listener, Movement, Publication},
    room_log::{Appended, Entry, Head, Record, RoomLog, RoomLogError},
};

use super::*;
use crate::{
    needs::{Channels, Client, ClientError, Offer, SubscribeRequest},
    protocol::codes,
    tokens::{TokenSettings, Verifier},
};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
}

/// A log of nothing: these tests ask who may, not what is kept.
struct Empty;

#[async_trait]
impl RoomLog for Empty {
    async fn head(&self, _: &str) -> Result<Head, RoomLogError> {
        Ok(Head { epoch: "e".into(), next: 1 })
    }
    async fn append(&self, _: &str, _: &str, _: u64, _: Vec<Entry>) -> Result<Appended, RoomLogError> {
        Ok(Appended::Ok)
    }
    async fn read(&self, _: &str, _: u64, _: usize) -> Result<Vec<Record>, RoomLogError> {
        Ok(Vec::new())
    }
    async fn offsets_of(&self, _: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        Ok(vec![None; keys.len()])
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<(String, Publication)>>);

#[async_trait]
impl Bus for Heard {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        self.0.lock().unwrap().extend(publications.into_iter().map(|one| (channel.to_owned(), one)));
        Ok(())
    }
    async fn announce(&self, _: &str, _: Vec<Movement>) -> Result<(), BusError> {
        Ok(())
    }
    fn attach(&self, _: Arc<dyn Listener>) {}
    async fn subscribe(&self, _: &str) -> Result<(), BusError> {
        Ok(())
    }
    async fn unsubscribe(&self, _: &str) {}
}

fn client(user: &str) -> Client {
    let caller = Caller::anonymous(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Client {
        id: "c1".into(),
        caller,
        user: user.into(),
        conn_info: Some(Bytes::from_static(b"{}")),
        since: Timestamp::from_millis(0),
    }
}

fn namespaces(options: ChannelOptions, insecure: bool) -> (Namespaces, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let log: Arc<dyn RoomLog> = Arc::new(Empty);
    let named = BTreeMap::from([("news".to_owned(), options)]);
    let windows = |_, _| log.clone();
    let publishing =
        Publishing::new(&ChannelOptions::default(), &named, log.clone(), &windows, heard.clone(), Arc::new(Noon), 1);
    let settings = TokenSettings { hmac_secret_key: "secret".into(), ..TokenSettings::default() };
    let verifier = Verifier::new(&settings, None, Arc::new(Noon)).unwrap();
    (Namespaces::new(Arc::new(publishing.unwrap()), Arc::new(verifier), insecure, Arc::new(Noon)), heard)
}

async fn open(channels: &Namespaces, user: &str, channel: &str) -> Result<crate::needs::ChannelRules, u32> {
    let request = SubscribeRequest { channel: channel.into(), ..SubscribeRequest::default() };
    channels.open(&client(user), &request).await.map_err(|error: ClientError| error.code)
}

#[tokio::test]
async fn nothing_is_allowed_that_the_options_do_not_allow() {
    let (channels, heard) = namespaces(ChannelOptions::default(), false);
    for channel in ["news:a", "a", "news:a#7", "$news:a"] {
        assert_eq!(open(&channels, "7", channel).await.unwrap_err(), codes::PERMISSION_DENIED.code, "{channel}");
    }
    assert_eq!(open(&channels, "7", "old:a").await.unwrap_err(), codes::UNKNOWN_CHANNEL.code);
    let refused = channels.publish(&client("7"), "news:a", None, Bytes::from_static(b"1")).await.unwrap_err();
    assert_eq!(refused.code, codes::PERMISSION_DENIED.code);
    assert!(heard.0.lock().unwrap().is_empty());
    let (channels, heard) = namespaces(ChannelOptions::default(), true);
    for channel in ["news:a", "a", "news:a#7", "$news:a"] {
        assert!(open(&channels, "", channel).await.is_ok(), "insecure: {channel}");
    }
    channels.publish(&client(""), "news:a", None, Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(heard.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn anonymous_visitors_and_strangers_need_an_option_of_their_own() {
    let options = ChannelOptions {
        allow_subscribe_for_client: true,
        allow_publish_for_subscriber: true,
        allow_user_limited_channels: true,
        ..ChannelOptions::default()
    };
    let (channels, _) = namespaces(options.clone(), false);
    assert!(open(&channels, "7", "news:a").await.is_ok());
    assert!(open(&channels, "", "news:a").await.is_err());
    assert!(open(&channels, "7", "news:a#7,8").await.is_ok());
    assert!(open(&channels, "9", "news:a#7,8").await.is_err());
    assert!(open(&channels, "7", "$news:a").await.is_err());
    let rules = open(&channels, "7", "news:a").await.unwrap();
    let publish = async |user: &str, rules| {
        channels.publish(&client(user), "news:a", rules, Bytes::from_static(b"1")).await.map_err(|error| error.code)
    };
    assert_eq!(publish("7", Some(&rules)).await, Ok(()));
    assert_eq!(publish("7", None).await, Err(codes::PERMISSION_DENIED.code));
    assert_eq!(publish("", Some(&rules)).await, Err(codes::PERMISSION_DENIED.code));
    let (channels, _) = namespaces(ChannelOptions { allow_subscribe_for_anonymous: true, ..options }, false);
    assert!(open(&channels, "", "news:a").await.is_ok());
}

#[tokio::test]
async fn what_a_channel_offers_follows_its_options() {
    let options = ChannelOptions {
        presence: true,
        history_size: 5,
        history_ttl: "60s".parse().unwrap(),
        force_recovery: true,
        allow_positioning: true,
        join_leave: true,
        allowed_delta_types: vec![DeltaType::Fossil],
        allow_subscribe_for_client: true,
        allow_history_for_subscriber: true,
        ..ChannelOptions::default()
    };
    let (channels, _) = namespaces(options.clone(), false);
    let rules = open(&channels, "7", "news:a").await.unwrap();
    assert_eq!((rules.presence, rules.history, rules.delta, rules.announced), (false, true, true, true));
    assert_eq!((rules.recovery, rules.positioning, rules.join_leave), (Offer::Always, Offer::Asked, Offer::Asked));
    assert_eq!((rules.recovery_window, rules.room.is_some()), (Some(5), true));
    assert_eq!(channels.look(&client("7"), "news:a").await.unwrap_err().code, codes::PERMISSION_DENIED.code);
    let durable = ChannelOptions { history_size: 0, history_ttl: Span::default(), durable: true, ..options };
    let (channels, _) = namespaces(durable, false);
    assert_eq!(open(&channels, "7", "news:a").await.unwrap().recovery_window, None);
}

#[test]
fn options_that_cannot_be_meant_are_named() {
    let check = |name: &str, options: ChannelOptions| {
        let log: Arc<dyn RoomLog> = Arc::new(Empty);
        let named = BTreeMap::from([(name.to_owned(), options)]);
        let windows = |_, _| log.clone();
        let bus = Arc::new(Heard::default());
        Publishing::new(&ChannelOptions::default(), &named, log.clone(), &windows, bus, Arc::new(Noon), 1).err()
    };
    let default = ChannelOptions::default;
    for (name, options, word) in [
        ("a:b", default(), "gateway.namespaces.a:b"),
        ("a", ChannelOptions { history_size: 5, ..default() }, "history_ttl"),
        ("a", ChannelOptions { force_recovery: true, ..default() }, "gateway.namespaces.a"),
        ("a", ChannelOptions { durable: true, history_size: 5, ..default() }, "durable"),
    ] {
        let error = check(name, options).unwrap_or_default();
        assert!(error.contains(word), "{word}: {error}");
    }
    assert_eq!(check("a", default()), None);
}
