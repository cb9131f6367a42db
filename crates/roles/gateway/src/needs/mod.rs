//! What the gateway needs of others: who a client is, and what a channel means. The binary wires them.

mod channel_rules;
mod channels;
mod client_error;
mod connector;

pub use channel_rules::{ChannelRules, Offer, Room};
pub use channels::{Channels, SubscribeRequest, SubscriptionRefreshed};
pub use client_error::ClientError;
pub use connector::{Client, ConnectRequest, Connected, Connector, Proof, Refreshed, Refused, ServerSubscription};
