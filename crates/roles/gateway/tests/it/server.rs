//! A gateway on a free port.

use std::{net::SocketAddr, sync::Arc};

use gateway::{Gateway, Settings};
use tokio::net::TcpListener;

use crate::doubles::{StoppedClock, Tokens, World};

/// A running gateway; gone when dropped.
pub(crate) struct Server {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) world: Arc<World>,
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let world = World::new();
        let gateway = Gateway::new(
            settings,
            world.bus.clone(),
            world.log.clone(),
            Arc::new(Tokens),
            world.clone(),
            Arc::new(StoppedClock),
            7,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = gateway.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { gateway, world, address, task }
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
