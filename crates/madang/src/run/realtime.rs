//! The realtime edge of a process, with the channels the domains give it.

use std::sync::Arc;

use gateway::Gateway;

use super::{AnyError, domains::Domains, site::Machine, stores::Stores};
use crate::{config::Config, wire};

/// Starts the gateway.
pub(crate) fn start(
    machine: &Machine,
    stores: &Stores,
    config: &Config,
    domains: &Domains,
) -> Result<Arc<Gateway>, AnyError> {
    let mut seed = [0; 8];
    machine.random.fill(&mut seed)?;
    let channels = wire::RealtimeChannels {
        room_log: stores.room_log.clone(),
        chat: domains.chat.clone(),
        feed: domains.feed.clone(),
        hearts: domains.crowd.hearts.clone(),
        viewers: domains.crowd.viewers.clone(),
    };
    Ok(Gateway::new(
        config.gateway(),
        stores.bus.clone(),
        Arc::new(wire::RealtimeConnector(domains.people.clone())),
        Arc::new(channels),
        machine.clock.clone(),
        u64::from_le_bytes(seed),
    ))
}
