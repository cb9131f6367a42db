//! A connection as channels and the server know it: whom it stands for, how to wake it, and what it was told to do.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use tokio::sync::Notify;

use super::Order;
use crate::needs::Client;

/// Orders that wait for a connection at the most.
const ORDERS_MAX: usize = 1_024;

/// One connection.
#[derive(Debug)]
pub(crate) struct Member {
    number: u64,
    id: Arc<str>,
    /// Whom it stands for; fixed once it is known.
    user: OnceLock<Arc<str>>,
    client: RwLock<Option<Arc<Client>>>,
    news: Notify,
    orders: Mutex<Vec<Order>>,
    ordered: Notify,
}

impl Member {
    /// The connection with this number (unique in the process) and this public id.
    pub(crate) fn new(number: u64, id: Arc<str>) -> Self {
        Self {
            number,
            id,
            user: OnceLock::new(),
            client: RwLock::default(),
            news: Notify::new(),
            orders: Mutex::default(),
            ordered: Notify::new(),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The id other clients see.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Whom it stands for; none when it is not known yet, empty for an anonymous visitor.
    pub(crate) fn user(&self) -> Option<&Arc<str>> {
        self.user.get()
    }

    /// The client, once it is known.
    pub(crate) fn client(&self) -> Option<Arc<Client>> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says who the client is. Whom it stands for cannot be changed later.
    pub(crate) fn identify(&self, client: Arc<Client>) {
        let _ = self.user.set(client.user.clone());
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    /// Wakes the connection; any number of calls before it looks are one.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Returns when somebody has called `wake` since the last return.
    pub(crate) async fn woken(&self) {
        self.news.notified().await;
    }

    /// Tells the connection to do something. False: too much waits for it already, and it is told to end.
    pub(crate) fn order(&self, order: Order) -> bool {
        let mut orders = self.orders();
        let fits = orders.len() < ORDERS_MAX;
        if !fits {
            orders.clear();
        }
        orders.push(if fits { order } else { Order::Disconnect(crate::protocol::codes::SLOW) });
        drop(orders);
        self.ordered.notify_one();
        fits
    }

    /// Returns when something may have been ordered.
    pub(crate) async fn ordered(&self) {
        self.ordered.notified().await;
    }

    /// What was ordered since the last call.
    pub(crate) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.orders())
    }

    fn orders(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
