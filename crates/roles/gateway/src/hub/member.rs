//! A connection as channels and the server know it: whom it stands for, how to wake it, and what it was told to do.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll},
};

use doorbell::Doorbell;

use super::{Order, Round};
use crate::needs::Client;

/// Orders that wait for a connection at the most.
pub(crate) const ORDERS_MAX: usize = 1_024;

/// The way to a connection's peer.
pub(crate) trait Outlet: Send + Sync {
    /// Hands the peer what is new in the connection's channels, without waiting for anything. False: the connection has to
    /// be woken for it.
    fn hand_out(&self, round: &mut Round) -> bool;
}

/// One connection.
pub(crate) struct Member {
    number: u64,
    id: Arc<str>,
    /// Whom it stands for; fixed once it is known.
    user: OnceLock<Arc<str>>,
    client: Mutex<Option<Arc<Client>>>,
    /// What it was called for since it last looked: bits of [`Calls`].
    bell: Doorbell,
    orders: Mutex<Orders>,
    outlet: OnceLock<Weak<dyn Outlet>>,
}

/// Orders that wait. In a box: there is hardly ever one, and there are many members.
type Orders = Option<Box<Vec<Order>>>;

/// What a connection was called for, besides news, which are looked for in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    /// It was told to do something.
    pub(crate) orders: bool,
    /// Something of it may be due.
    pub(crate) time: bool,
}

impl Calls {
    fn of(bits: u8) -> Self {
        Self { orders: bits & ORDERS != 0, time: bits & TIME != 0 }
    }
}

const NEWS: u8 = 1;
const ORDERS: u8 = 2;
const TIME: u8 = 4;

impl Member {
    /// The connection with this number (unique in the process) and this public id.
    pub(crate) fn new(number: u64, id: Arc<str>) -> Self {
        Self {
            number,
            id,
            user: OnceLock::new(),
            client: Mutex::default(),
            bell: Doorbell::default(),
            orders: Mutex::default(),
            outlet: OnceLock::new(),
        }
    }

    /// Says how its peer is reached. Once; before that it is woken for news.
    pub(crate) fn attach(&self, outlet: Weak<dyn Outlet>) {
        let _ = self.outlet.set(outlet);
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
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says who the client is. Whom it stands for cannot be changed later.
    pub(crate) fn identify(&self, client: Arc<Client>) {
        let _ = self.user.set(client.user.clone());
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    /// Tells of news: they go out here and now, on the caller's time, or else the connection is woken for them; any number
    /// of calls before it looks are one.
    pub(super) fn tell_news(&self, round: &mut Round) {
        let handed_out = self.outlet.get().and_then(Weak::upgrade).is_some_and(|outlet| outlet.hand_out(round));
        if !handed_out {
            self.bell.ring(NEWS);
        }
    }

    /// Wakes the connection to look at the clock.
    pub(crate) fn wake_for_time(&self) {
        self.bell.ring(TIME);
    }

    /// Ready when it was called since the last time; otherwise the context is woken by the next call.
    pub(crate) fn poll_called(&self, context: &Context<'_>) -> Poll<Calls> {
        self.bell.poll_answer(context).map(Calls::of)
    }

    /// Tells the connection to do something. False: too much waits for it already, and it is told to end.
    pub(crate) fn order(&self, order: Order) -> bool {
        let mut waiting = self.orders();
        let orders = waiting.get_or_insert_default();
        let fits = orders.len() < ORDERS_MAX;
        if !fits {
            orders.clear();
        }
        orders.push(if fits { order } else { Order::Disconnect(crate::protocol::codes::SLOW) });
        drop(waiting);
        self.bell.ring(ORDERS);
        fits
    }

    /// What was ordered since the last call.
    pub(crate) fn take_orders(&self) -> Vec<Order> {
        self.orders().take().map(|orders| *orders).unwrap_or_default()
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
