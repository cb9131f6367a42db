//! A gateway on a free port.

use std::{net::SocketAddr, sync::Arc};

use gateway::{Gateway, Settings};
use tokio::net::TcpListener;

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
        let (world, tokens, clock) = (World::new(), Arc::new(Tokens::default()), TestClock::new());
        let gateway = Gateway::new(
            settings,
            world.bus.clone(),
            world.log.clone(),
            tokens.clone(),
            world.clone(),
            clock.clone(),
            7,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = gateway.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { gateway, world, tokens, clock, address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/connection/websocket", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
