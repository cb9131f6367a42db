//! A connection step by step, where its steps decide.

use std::{future::poll_fn, net::Ipv4Addr, task::Waker};

use async_trait::async_trait;
use bytes::Bytes;
use engines::{embedded::LocalBus, system::SystemClock};

use super::*;
use crate::{
    Gateway, Settings,
    needs::{
        ChannelRules, Channels, Client, ClientError, ConnectRequest, Connected, Connector, Refused, SubscribeRequest,
    },
};

/// Lets nobody do anything.
struct Nobody;

#[async_trait]
impl Connector for Nobody {
    async fn connect(&self, _: &ConnectRequest) -> Result<Connected, Refused> {
        Err(Refused::InvalidToken)
    }
}

#[async_trait]
impl Channels for Nobody {
    async fn open(&self, _: &Client, _: &SubscribeRequest) -> Result<ChannelRules, ClientError> {
        Err(codes::NOT_AVAILABLE.into())
    }
    async fn publish(&self, _: &Client, _: &str, _: Option<&ChannelRules>, _: Bytes) -> Result<(), ClientError> {
        Err(codes::NOT_AVAILABLE.into())
    }
    async fn rpc(&self, _: &Client, _: &str, _: Bytes) -> Result<Bytes, ClientError> {
        Err(codes::NOT_AVAILABLE.into())
    }
}

#[tokio::test]
async fn a_connection_hears_of_the_end_also_between_two_alarms() {
    let bus = Arc::new(LocalBus::default());
    let clock = Arc::new(SystemClock);
    let gateway = Gateway::new(Settings::default(), bus, Arc::new(Nobody), Arc::new(Nobody), clock, 1);
    let shared = gateway.shared().clone();
    let address = Ipv4Addr::LOCALHOST.into();
    let place = shared.admission.admit(address).ok().unwrap();
    let encoding = Encoding::Json;
    let peer = Peer { address, cookie: None, native_pings: false, encoding, session: "".into(), _place: place };
    let (wire, _other_end) = tokio::io::duplex(1_024);
    let transport = WebSocketTransport::new(Box::pin(wire), Bytes::new(), encoding);
    let connection = Connection::new(shared.clone(), transport, peer);
    let mut connection = Arc::into_inner(connection).unwrap().into_inner().unwrap();
    // Soon, and then nothing turns out to be over.
    connection.first_over_at = Some(Instant::now() + Duration::from_millis(50));
    let woken = poll_fn(|context| connection.poll_step(context)).await;
    assert!(woken.is_ok() && connection.alarm.is_none(), "its alarm is gone, and the next one is not yet set");

    shared.closing.cancel();
    shared.wheel.wake_all();
    let polled = connection.poll_end(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(why) = polled else { panic!("it sleeps and does not know") };
    assert_eq!(why, codes::SHUTDOWN);
}
