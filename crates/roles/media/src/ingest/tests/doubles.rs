//! A gatekeeper and packager that record, a clock that is set by hand, and a publisher that stays when it is done.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{BroadcastId, Clock, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use super::soon;
use crate::{
    codec::rtmp::{ClientEvent, ClientSession, PublishTarget},
    frame::Packet,
    needs::{Gatekeeper, Packager, PacketSink, Refusal},
};

/// Stands still until it is moved.
#[derive(Default)]
pub(super) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(super) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + self.0.load(Ordering::SeqCst))
    }
}

/// What the gatekeeper heard, with the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    Begun(i64),
    Arrived(i64),
    Interrupted(i64),
}

/// Gatekeeper and packager in one; the key `good` publishes into one broadcast.
pub(super) struct House {
    broadcast: BroadcastId,
    epochs: AtomicI64,
    tell: mpsc::UnboundedSender<News>,
    heard: tokio::sync::Mutex<mpsc::UnboundedReceiver<News>>,
    sessions: Mutex<BTreeMap<i64, Recorded>>,
    changed: Notify,
    /// How many were kept waiting for an answer.
    unanswered: watch::Sender<usize>,
    /// Whether epochs are opened, but not answered.
    hesitates: watch::Sender<bool>,
}

#[derive(Default)]
struct Recorded {
    packets: Vec<Packet>,
    closed: bool,
}

struct Sink {
    house: Arc<House>,
    publish_epoch: i64,
}

impl House {
    pub(super) fn new(broadcast: BroadcastId) -> Arc<Self> {
        let (tell, heard) = mpsc::unbounded_channel();
        Arc::new(Self {
            broadcast,
            epochs: AtomicI64::new(0),
            tell,
            heard: heard.into(),
            sessions: Mutex::default(),
            changed: Notify::new(),
            unanswered: watch::Sender::new(0),
            hesitates: watch::Sender::new(false),
        })
    }

    pub(super) async fn next_news(&self) -> News {
        let mut heard = self.heard.lock().await;
        soon(heard.recv()).await.expect("the house keeps the other end")
    }

    pub(super) fn packets(&self, publish_epoch: i64) -> Vec<Packet> {
        self.sessions.lock().unwrap().get(&publish_epoch).map(|session| session.packets.clone()).unwrap_or_default()
    }

    /// The session's packets, once there are `count`.
    pub(super) async fn packets_of(&self, publish_epoch: i64, count: usize) -> Vec<Packet> {
        loop {
            let changed = self.changed.notified();
            let packets = self.packets(publish_epoch);
            if packets.len() >= count {
                return packets;
            }
            soon(changed).await;
        }
    }

    /// Returns once `count` were kept waiting: the key `slow` is never answered.
    pub(super) async fn keeps_waiting(&self, count: usize) {
        let mut unanswered = self.unanswered.subscribe();
        soon(unanswered.wait_for(|waiting| *waiting >= count)).await.expect("the house keeps the other end");
    }

    /// From now on epochs are opened, but not answered before it is told otherwise.
    pub(super) fn hesitate(&self, hesitates: bool) {
        self.hesitates.send_replace(hesitates);
    }

    pub(super) fn is_closed(&self, publish_epoch: i64) -> bool {
        self.sessions.lock().unwrap().get(&publish_epoch).is_some_and(|session| session.closed)
    }
}

#[async_trait]
impl Gatekeeper for House {
    async fn resolve(&self, stream_key: &str, _: SocketAddr) -> Result<BroadcastId, Refusal> {
        match stream_key {
            "good" => Ok(self.broadcast),
            "later" => Err(Refusal::NotNow("The show is over.".into())),
            "broken" => Err(Refusal::Unavailable),
            "slow" => {
                self.unanswered.send_modify(|count| *count += 1);
                std::future::pending().await
            }
            _ => Err(Refusal::UnknownKey),
        }
    }

    async fn begin(&self, broadcast: BroadcastId) -> Result<i64, Refusal> {
        assert_eq!(broadcast, self.broadcast);
        let publish_epoch = self.epochs.fetch_add(1, Ordering::SeqCst) + 1;
        self.tell.send(News::Begun(publish_epoch)).unwrap();
        let mut hesitates = self.hesitates.subscribe();
        hesitates.wait_for(|hesitates| !hesitates).await.expect("the house keeps the other end");
        Ok(publish_epoch)
    }

    async fn arrived(&self, _: BroadcastId, publish_epoch: i64) {
        self.tell.send(News::Arrived(publish_epoch)).unwrap();
    }

    async fn interrupted(&self, _: BroadcastId, publish_epoch: i64) {
        self.tell.send(News::Interrupted(publish_epoch)).unwrap();
    }
}

impl Packager for Arc<House> {
    fn open(&self, broadcast: BroadcastId, publish_epoch: i64) -> Box<dyn PacketSink> {
        assert_eq!(broadcast, self.broadcast);
        self.sessions.lock().unwrap().insert(publish_epoch, Recorded::default());
        Box::new(Sink { house: Arc::clone(self), publish_epoch })
    }
}

impl PacketSink for Sink {
    fn push(&mut self, packet: Packet, _: Timestamp) {
        let mut sessions = self.house.sessions.lock().unwrap();
        sessions.get_mut(&self.publish_epoch).unwrap().packets.push(packet);
        self.house.changed.notify_waiters();
    }

    fn close(self: Box<Self>, _: Timestamp) {
        self.house.sessions.lock().unwrap().get_mut(&self.publish_epoch).unwrap().closed = true;
    }
}

/// Sends the clip at once and then nothing more; returns when the server closes the connection.
pub(super) async fn publish_and_stay(server: SocketAddr, stop: CancellationToken) {
    let target =
        PublishTarget { app: "live".into(), address: format!("rtmp://{server}/live"), stream_key: "good".into() };
    let (mut session, clip) = (ClientSession::new(target, 1), super::clip());
    let mut stream = TcpStream::connect(server).await.unwrap();
    let mut buffer = vec![0; 4_096];
    loop {
        stream.write_all(&session.take_output()).await.unwrap();
        let Some(Ok(length)) = stop.run_until_cancelled(stream.read(&mut buffer)).await else { return };
        if length == 0 {
            return;
        }
        let mut input = &buffer[..length];
        while let Some(event) = session.next_event(&mut input).unwrap() {
            if event == ClientEvent::Publishing {
                (0..clip.tags()).filter_map(|position| clip.tag(position)).for_each(|(_, tag)| session.send(&tag));
            }
        }
    }
}
