//! The realtime edge of a process: its configured channels, and those the domains give it.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use engines::embedded::RoomWindow;
use gateway::{
    Gateway,
    namespaces::{Namespaces, Publishing, Span, TokenConnector},
    server_api::ServerApi,
    tokens::{KeySource, Verifier},
};
use ports::{bus::Bus, room_log::RoomLog};

use super::{AnyError, domains::Domains, machine::Machine, stores::Stores};
use crate::{config::Config, wire};

/// What the configuration describes.
pub(super) struct Configured {
    pub(super) verifier: Arc<Verifier>,
    pub(super) channels: Arc<Namespaces>,
    pub(super) publishing: Arc<Publishing>,
}

impl Configured {
    /// The server API for these channels, when the settings have a key for it.
    pub(super) fn server_api(&self, machine: &Machine, gateway: &Arc<Gateway>, config: &Config) -> Router {
        let api = ServerApi::new(gateway.clone(), self.publishing.clone(), machine.clock.clone());
        api.router(&config.gateway.server_api)
    }
}

/// A running gateway.
pub(crate) struct Realtime {
    pub(crate) gateway: Arc<Gateway>,
    /// Routes that stay HTTP.
    pub(crate) router: Router,
}

/// Starts the gateway of a site; returns when it knows the others, where there are any.
pub(crate) async fn start(
    machine: &Machine,
    stores: &Stores,
    config: &Config,
    domains: &Domains,
    http: SocketAddr,
) -> Result<Realtime, AnyError> {
    let own = namespaces(machine, &stores.room_log, &stores.bus, config)?;
    if let Some(name) = wire::SITE_NAMESPACES.iter().find(|name| config.gateway.namespaces.contains_key(**name)) {
        return Err(format!("gateway.namespaces.{name} cannot be used: the site's own channels are called so").into());
    }
    let tokens = TokenConnector::new(own.verifier.clone(), own.channels.clone(), config.gateway.client.clone());
    let channels = wire::RealtimeChannels {
        chat: domains.chat.clone(),
        shows: domains.broadcasts.clone(),
        feed: domains.feed.clone(),
        crowd: wire::crowd_taker(&domains.crowd, &config.burst_url)
            .map_err(|error| format!("burst_url cannot be used: {error}"))?,
        room_log: stores.room_log.clone(),
    };
    let sessions = wire::RealtimeConnector { people: domains.people.clone(), notice: config.notice.clone() };
    let gateway = Gateway::new(
        config.gateway(http),
        stores.bus.clone(),
        Arc::new(wire::SiteConnector { sessions, tokens }),
        Arc::new(wire::SiteChannels { own: channels, configured: own.channels.clone() }),
        machine.clock.clone(),
        machine.seed()?,
    );
    if config.is_one_of_several() {
        gateway.join().await.map_err(|error| format!("cannot join the other gateways: {error}"))?;
    }
    let router = gateway.router().merge(own.server_api(machine, &gateway, config));
    Ok(Realtime { gateway, router })
}

/// The channels and tokens of the configuration.
pub(super) fn namespaces(
    machine: &Machine,
    room_log: &Arc<dyn RoomLog>,
    bus: &Arc<dyn Bus>,
    config: &Config,
) -> Result<Configured, AnyError> {
    let settings = &config.gateway;
    let endpoint = settings.client.token.jwks_public_endpoint.as_str();
    let source = match endpoint {
        "" => None,
        endpoint => {
            let source = wire::HttpKeySource::new(endpoint)
                .map_err(|error| format!("gateway.client.token.jwks_public_endpoint cannot be used: {error}"))?;
            Some(Arc::new(source) as Arc<dyn KeySource>)
        }
    };
    let verifier = Verifier::new(&settings.client.token, source, machine.clock.clone())
        .map_err(|error| format!("gateway.client.token.{error}"))?;
    let verifier = Arc::new(verifier);
    let clock = machine.clock.clone();
    let windows = |size: usize, ttl: Span| -> Arc<dyn RoomLog> {
        Arc::new(RoomWindow::new(size, ttl.as_millis(), clock.clone()))
    };
    let publishing = Publishing::new(
        &settings.without_namespace,
        &settings.namespaces,
        room_log.clone(),
        &windows,
        bus.clone(),
        machine.clock.clone(),
        machine.seed()?,
    )?;
    let insecure = settings.client.insecure;
    if insecure {
        tracing::warn!("gateway.client.insecure is on: anybody may do everything with the configured channels");
    }
    let publishing = Arc::new(publishing);
    let channels = Namespaces::new(publishing.clone(), verifier.clone(), insecure, machine.clock.clone());
    Ok(Configured { verifier, channels: Arc::new(channels), publishing })
}
