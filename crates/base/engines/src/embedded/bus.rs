//! The bus of a single process: a publication reaches the listener before `publish` returns.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use async_trait::async_trait;
use ports::bus::{Bus, BusError, Listener, Movement, Publication};

/// Hands publications straight to the process's own listener.
#[derive(Default)]
pub struct LocalBus {
    listener: OnceLock<Arc<dyn Listener>>,
    channels: RwLock<HashSet<String>>,
}

impl LocalBus {
    /// The process's listener, when it listens to the channel.
    fn listener_to(&self, channel: &str) -> Option<&Arc<dyn Listener>> {
        // A read lock: publishers of different channels do not wait for each other; order within one is its caller's.
        let listened_to = self.channels.read().unwrap_or_else(PoisonError::into_inner).contains(channel);
        self.listener.get().filter(|_| listened_to)
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        if let Some(listener) = self.listener_to(channel) {
            listener.deliver(channel, &publications);
        }
        Ok(())
    }

    async fn announce(&self, channel: &str, movements: Vec<Movement>) -> Result<(), BusError> {
        if let Some(listener) = self.listener_to(channel) {
            listener.announce(channel, &movements);
        }
        Ok(())
    }

    fn attach(&self, listener: Arc<dyn Listener>) {
        if self.listener.set(listener).is_err() {
            tracing::error!("a second listener was attached to the bus; it hears nothing");
        }
    }

    async fn subscribe(&self, channel: &str) -> Result<(), BusError> {
        self.channels.write().unwrap_or_else(PoisonError::into_inner).insert(channel.to_owned());
        Ok(())
    }

    async fn unsubscribe(&self, channel: &str) {
        self.channels.write().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_keeps_the_promise_of_a_bus() {
        ports::contract::bus::run(&[Arc::new(LocalBus::default())]).await;
    }
}
