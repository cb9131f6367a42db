//! A gateway on a free port.

use std::{net::SocketAddr, sync::Arc};

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use gateway::{Gateway, Settings};
use rest::{Takeover, UpgradeRequest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::doubles::{TestClock, Tokens, World};

/// A running gateway; gone when dropped.
pub(crate) struct Server {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) world: Arc<World>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::of(World::new(), settings).await
    }

    /// A gateway to a world that was there before.
    pub(crate) async fn of(world: Arc<World>, settings: Settings) -> Self {
        let (tokens, clock) = (Arc::new(Tokens::default()), TestClock::new());
        let gateway = Gateway::new(settings, world.bus.clone(), tokens.clone(), world.clone(), clock.clone(), 7);
        Self::serving(gateway, world, tokens, clock).await
    }

    /// A gateway that is there already.
    pub(crate) async fn serving(
        gateway: Arc<Gateway>,
        world: Arc<World>,
        tokens: Arc<Tokens>,
        clock: Arc<TestClock>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [route] = gateway.takeovers().try_into().ok().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, peer, route.clone()));
            }
        });
        Self { gateway, world, tokens, clock, address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/connection/websocket", self.address)
    }
}

/// As much HTTP as it takes to hand a connection over.
async fn serve(mut stream: TcpStream, peer: SocketAddr, route: Arc<dyn Takeover>) {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let query = target.split_once('?').map(|(_, query)| query);
    match route.open(&UpgradeRequest { query, headers: &headers, client: peer.ip() }) {
        Ok(opened) => {
            stream.write_all(&opened.answer).await.unwrap();
            (opened.serve)(Box::pin(stream), Bytes::copy_from_slice(&bytes[end..])).await;
        }
        Err(refusal) => {
            let status = refusal.status.as_u16();
            stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
