//! `--role gateway`: a realtime server on its own, for backends of other people. No accounts, no shows, no media.

use std::sync::Arc;

use api::{Authenticator, Check, Readiness, Shell};
use async_trait::async_trait;
use gateway::{Gateway, namespaces::TokenConnector};
use kernel::Identity;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use super::{AnyError, machine::Machine, metering, ready::hears_others, realtime, stores::RoomStores};
use crate::{config::Config, tls::Tls, wire};

/// Why a process has to end whose database is another's.
pub(super) const LOST: &str = "another process has taken the database of engines.sql over";

/// A running realtime server.
pub(crate) struct Edge {
    /// Where clients connect.
    pub(crate) realtime_url: String,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
    realtime: Arc<Gateway>,
    stores: Arc<RoomStores>,
}

impl Edge {
    /// Starts everything; returns when it can be used.
    pub(crate) async fn start(config: Config) -> Result<Self, AnyError> {
        let machine = Machine::alone()?;
        let metrics = metering::start();
        let tls = config.tls.open()?;
        let stores = Arc::new(RoomStores::open(&config).await?);
        let shell = Shell::bind(config.api.clone(), config.http)
            .await
            .map_err(|error| format!("cannot listen on {} for HTTP: {error}", config.http))?;
        let http = shell.local_address();
        let own = realtime::namespaces(&machine, &stores.room_log, &stores.bus, &config)?;
        let connector = TokenConnector::new(own.verifier.clone(), own.channels.clone(), config.gateway.client.clone());
        let realtime = Gateway::new(
            config.gateway(http),
            stores.bus.clone(),
            Arc::new(connector),
            own.channels.clone(),
            machine.clock.clone(),
            machine.seed()?,
        );
        // Who connects meanwhile waits.
        realtime.join().await.map_err(|error| format!("cannot join the other gateways: {error}"))?;
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(metering::keep(metrics.clone(), cancel.clone()));
        let for_http = tls.as_ref().map(Tls::for_http);
        if let Some(watch) = tls.and_then(|tls| tls.watch) {
            tasks.spawn(watch.run(cancel.clone()));
        }
        let about = config.clone();
        let parts = api::Parts {
            api: wire::gateways(realtime.clone()),
            lean: OpenApiRouter::new(),
            direct: Vec::new(),
            takeovers: realtime.takeovers(),
            realtime: realtime.router().merge(own.server_api(&machine, &realtime, &config)),
            ready: Arc::new(EdgeReady { stores: stores.clone(), realtime: realtime.clone() }),
            metrics: Arc::new(move || metrics.render()),
            authenticator: Arc::new(Nobody),
            clock: machine.clock.clone(),
            seed: machine.seed()?,
            site: Arc::new(move || about.site()),
            pages: false,
            tls: for_http,
            media_origins: Vec::new(),
        };
        let until = cancel.clone();
        tasks.spawn(async move { shell.serve(parts, until).await });
        let realtime_url = config.realtime_url(http);
        Ok(Self { realtime_url, cancel, tasks, realtime, stores })
    }

    /// Returns with the reason when this process may not go on.
    pub(crate) async fn lost(&self) -> &'static str {
        self.stores.lost().await;
        LOST
    }

    /// Stops in the order that loses nothing: clients moved to other gateways, no new ones, the rest sent away, the store closed.
    pub(crate) async fn stop(mut self) {
        self.realtime.move_clients().await;
        self.cancel.cancel();
        self.realtime.shutdown().await;
        while self.tasks.join_next().await.is_some() {}
        self.stores.close().await;
    }
}

/// There are no accounts here.
struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn identify(&self, _: &str) -> Result<Option<Identity>, String> {
        Ok(None)
    }
}

/// Ready when the rooms' store answers, and the other gateways are heard.
struct EdgeReady {
    stores: Arc<RoomStores>,
    realtime: Arc<Gateway>,
}

#[async_trait]
impl Readiness for EdgeReady {
    async fn checks(&self) -> Vec<Check> {
        let rooms = self.stores.rooms.check().await;
        let gateways = hears_others(&self.realtime);
        vec![Check { name: "rooms", result: rooms }, Check { name: "gateways", result: gateways }]
    }
}
