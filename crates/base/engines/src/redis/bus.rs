//! The bus over Redis: sharded publish and subscribe.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use ports::bus::{Bus, BusError, Listener, Movement, Publication};
use redis::RedisError;
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::{
    Names, RedisServers,
    connect::Link,
    hearing::{self, Order},
    parcel::{self, Parcel},
};

/// What the names of channels carry.
const KEY: &str = "bus";

/// A bus that all processes of a site share.
pub struct RedisBus {
    speaking: Link,
    orders: mpsc::UnboundedSender<Order>,
    hearing: AbortHandle,
    ear: Arc<Ear>,
    names: Names,
}

impl RedisBus {
    /// Connects; fails when that is not possible now. Needs a Tokio runtime.
    pub async fn connect(servers: &RedisServers) -> Result<Self, RedisError> {
        let names = servers.names().clone();
        let speaking = servers.link().await?;
        let ear = Arc::new(Ear { names: names.clone(), listener: OnceLock::new() });
        let (orders, hearing) = hearing::start(servers.clone(), ear.clone());
        Ok(Self { speaking, orders, hearing, ear, names })
    }

    async fn send(&self, channel: &str, message: &[u8]) -> Result<(), BusError> {
        let name = self.names.of(KEY, channel);
        let sent = redis::cmd("SPUBLISH").arg(name).arg(message).exec_async(&mut self.speaking.clone()).await;
        sent.map_err(|error| BusError(error.to_string()))
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        self.send(channel, &parcel::publications(&publications)).await
    }

    async fn announce(&self, channel: &str, movements: Vec<Movement>) -> Result<(), BusError> {
        self.send(channel, &parcel::movements(&movements)).await
    }

    fn attach(&self, listener: Arc<dyn Listener>) {
        if self.ear.listener.set(listener).is_err() {
            tracing::error!("a second listener was attached to the bus; it hears nothing");
        }
    }

    async fn subscribe(&self, channel: &str) -> Result<(), BusError> {
        let (answer, answered) = oneshot::channel();
        let ended = || BusError("nobody hears it any more".into());
        self.orders.send(Order::Hear(self.names.of(KEY, channel), answer)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?.map_err(BusError)
    }

    async fn unsubscribe(&self, channel: &str) {
        let (left, has_left) = oneshot::channel();
        if self.orders.send(Order::Leave(self.names.of(KEY, channel), left)).is_ok() {
            let _ = has_left.await;
        }
    }
}

/// Hands on what is heard.
struct Ear {
    names: Names,
    listener: OnceLock<Arc<dyn Listener>>,
}

impl hearing::Ear for Ear {
    fn hear(&self, channel: &[u8], message: Vec<u8>) {
        let channel = std::str::from_utf8(channel).ok().and_then(|name| self.names.tag(KEY, name));
        let (Some(channel), Some(listener)) = (channel, self.listener.get()) else { return };
        match parcel::read(message.into()) {
            Ok(Parcel::Publications(publications)) => listener.deliver(channel, &publications),
            Ok(Parcel::Movements(movements)) => listener.announce(channel, &movements),
            Err(error) => tracing::warn!(channel, %error, "a message was passed over"),
        }
    }

    fn interrupted(&self) {
        if let Some(listener) = self.listener.get() {
            listener.interrupted();
        }
    }
}
