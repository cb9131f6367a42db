//! What the server tells a connection to do.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    needs::{Refreshed, ServerSubscription},
    protocol::codes::{Disconnect, Unsubscribe},
};

/// One order.
#[derive(Debug)]
pub(crate) enum Order {
    /// Subscribe to a channel.
    Subscribe(Box<ServerSubscription>),
    /// End a subscription.
    Unsubscribe(Arc<str>, Unsubscribe),
    /// End.
    Disconnect(Disconnect),
    /// Finish what is under way, and connect elsewhere.
    Leave,
    /// Prove again who the client is.
    ProveAgain,
    /// Take another expiry.
    Refresh(Refreshed),
    /// Hand the client a value.
    Send(Bytes),
}
