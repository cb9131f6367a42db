//! The bus: carries publications to whoever listens now. Transport only; it keeps nothing.
//!
//! | engine | delivery | order |
//! |---|---|---|
//! | embedded (in-process) | at most once, to listeners attached when it is published | per channel, that of the publisher's calls |
//! | Redis (one server, or a cluster with sharded publish and subscribe) | at most once, to processes connected when it is published; lost while a connection or a master is gone; perhaps twice when a master is lost while it answers (a place tells) | per channel, that of one publisher's calls |
//!
//! Loss is detectable on recoverable channels, because their publications carry an offset: a listener that sees a gap
//! reads the room log.
//!
//! **Redactions.** An entry of a room log can be replaced later. The publication of the redacting entry says so, and
//! whoever keeps publications in memory replaces the earlier one there. A listener that missed a publication may have
//! missed a redaction: it must not go on serving what it keeps from before the gap.
//!
//! **Movements** (who came and left) are delivered like publications without a place; they are ordered among themselves,
//! not against publications.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    about::{About, ClientInfo},
    room_log::Redaction,
};

/// Where in a recoverable channel a publication stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its place: 1 for the first, no holes.
    pub offset: u64,
    /// The epoch of the channel's log: another epoch means another history.
    pub epoch: Arc<str>,
}

/// One publication on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publication {
    /// Its place, on recoverable channels.
    pub position: Option<Position>,
    /// One JSON value, as UTF-8 text without line breaks.
    pub data: Bytes,
    /// The earlier publication of the channel whose data this one replaces, and by what; durable in the log by now.
    pub redacts: Option<Redaction>,
    /// What else is told of it.
    pub about: Option<Arc<About>>,
}

/// Somebody came to a channel or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Movement {
    /// A client has subscribed.
    Joined(Arc<ClientInfo>),
    /// A client is not subscribed any more.
    Left(Arc<ClientInfo>),
}

/// Receives what is published on the channels of interest.
pub trait Listener: Send + Sync {
    /// Takes publications of one channel, in order. Must return at once: it queues, it does not work.
    fn deliver(&self, channel: &str, publications: &[Publication]);
    /// Takes who came and left, in the order of one client. Must return at once too.
    fn announce(&self, channel: &str, movements: &[Movement]) {
        let _ = (channel, movements);
    }
    /// Something may have been missed on any channel; from now on nothing is again. Must return at once too.
    fn interrupted(&self) {}
}

/// A bus is temporarily out of reach.
#[derive(Debug, thiserror::Error)]
#[error("the bus is out of reach: {0}")]
pub struct BusError(pub String);

/// Carries publications between processes.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Publishes on a channel, in order.
    async fn publish(&self, channel: &str, publications: Vec<Publication>) -> Result<(), BusError>;
    /// Tells the subscribers of a channel who came and left.
    async fn announce(&self, channel: &str, movements: Vec<Movement>) -> Result<(), BusError>;
    /// Attaches this process's listener; it hears the channels that were `subscribe`d.
    fn attach(&self, listener: Arc<dyn Listener>);
    /// From its return on, everything published on `channel` reaches the listener.
    async fn subscribe(&self, channel: &str) -> Result<(), BusError>;
    /// Ends the interest in `channel`: what is published after its return is not heard.
    async fn unsubscribe(&self, channel: &str);
}
