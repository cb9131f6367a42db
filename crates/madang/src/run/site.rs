//! A whole site in one process: stores, domains and roles, put together, started, and stopped in order.

use std::{net::SocketAddr, sync::Arc};

use api::Shell;
use engines::system::{SystemClock, SystemRandom};
use kernel::{Clock, Random, Snowflake};
use media::{MediaService, ingest::Ingest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use worker::Worker;

use super::{AnyError, domains::Domains, metering, ready::StoresReady, realtime, stores::Stores};
use crate::{config::Config, wire};

/// What the parts of a process share.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) ids: Arc<Snowflake>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        // One process writes what has ids to a data folder or database (it holds the lock), so it needs no lease for its node.
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), ids: Arc::new(Snowflake::new(0)) }
    }
}

/// A running site.
pub(crate) struct Site {
    /// Where the web UI and the API listen.
    pub(crate) http: SocketAddr,
    /// What people type into their browser.
    pub(crate) public_url: String,
    /// What encoders on this machine publish to.
    pub(crate) ingest_url: String,
    /// The same over TLS, where that is spoken.
    pub(crate) rtmps_url: Option<String>,
    /// The one-time link that makes its visitor the administrator, as long as there is none.
    pub(crate) administrator_link: Option<String>,
    edges: CancellationToken,
    work: CancellationToken,
    edge_tasks: JoinSet<()>,
    work_tasks: JoinSet<()>,
    realtime: Arc<gateway::Gateway>,
    media: Arc<MediaService>,
    stores: Arc<Stores>,
}

impl Site {
    /// Starts everything; returns when it can be used.
    pub(crate) async fn start(config: Config) -> Result<Self, AnyError> {
        let machine = Machine::new();
        let metrics = metering::start();
        let tls = config.tls.open()?;
        let stores = Arc::new(Stores::open(&config).await?);

        let people = wire::people(&machine, &stores.records, &config);
        let gatekeeper = Arc::new(wire::StreamGatekeeper::new(people.clone()));
        let media = MediaService::new(
            config.media.clone(),
            &config.data_dir,
            machine.clock.clone(),
            stores.blobs.clone(),
            gatekeeper.clone(),
        )?;
        let listening = media::ingest::IngestSettings { address: config.rtmp, ..config.ingest.clone() };
        let (rtmp, ingest) =
            Ingest::bind(listening, machine.clock.clone(), gatekeeper.clone(), media.packager()).await?;
        let (tls, watch) = tls.map(|tls| (tls.config, tls.watch)).unzip();
        let rtmps = match config.rtmps.zip(tls.clone()) {
            Some((address, tls)) => Some(ingest.listen_over_tls(address, tls)?),
            None => None,
        };
        let shell = Shell::bind(config.api.clone(), config.http)
            .await
            .map_err(|error| format!("cannot listen on {} for HTTP: {error}", config.http))?;
        let http = shell.local_address();
        let ingest_url = config.ingest_url(rtmp);

        let streams = Arc::new(wire::BroadcastStreams {
            clock: machine.clock.clone(),
            media: media.clone(),
            ingest: ingest.clone(),
        });
        let domains = Domains::open(&machine, &stores, &config, people, streams, &ingest_url).await?;
        domains.broadcasts.recover_after_restart().await?;
        gatekeeper.open(domains.broadcasts.clone());
        let realtime::Realtime { gateway: realtime, router } =
            realtime::start(&machine, &stores, &config, &domains, http)?;

        let (edges, work) = (CancellationToken::new(), CancellationToken::new());
        let (mut edge_tasks, mut work_tasks) = (JoinSet::new(), JoinSet::new());
        let housekeeping = [wire::retention(&machine, &media), wire::trimming(&machine, stores.event_log())];
        let worker = Worker::default().schedules(domains.schedules()).schedules(housekeeping);
        work_tasks.spawn(worker.run(stores.event_log(), work.clone()));
        work_tasks.spawn(metering::keep(metrics.clone(), work.clone()));
        if let Some(watch) = watch {
            work_tasks.spawn(watch.run(work.clone()));
        }
        let parts = api::Parts {
            api: domains.api().merge(wire::gateways(realtime.clone())),
            lean: domains.lean().merge(media.router().into()),
            direct: domains.direct(),
            takeovers: realtime.takeovers(),
            realtime: router,
            ready: Arc::new(StoresReady(stores.clone())),
            metrics: Arc::new(move || metrics.render()),
            authenticator: Arc::new(wire::SessionAuthenticator(domains.people.clone())),
            clock: machine.clock.clone(),
            seed: realtime::seed(&machine)?,
            site: config.site(),
            pages: true,
            tls,
            media_origin: config.media_origin()?,
        };
        let until = edges.clone();
        edge_tasks.spawn(async move { shell.serve(parts, until).await });
        let (until, publishing) = (edges.clone(), ingest.clone());
        edge_tasks.spawn(async move { publishing.run(until).await });

        let public_url = config.public_url(http);
        let token = domains.people.first_administrator_token().await?;
        let administrator_link = token.map(|token| format!("{public_url}/claim?token={}", token.reveal()));
        Ok(Self {
            http,
            public_url,
            ingest_url: config.local_ingest_url(rtmp),
            rtmps_url: rtmps.map(|rtmps| config.rtmps_url(rtmps)),
            administrator_link,
            edges,
            work,
            edge_tasks,
            work_tasks,
            realtime,
            media,
            stores,
        })
    }

    /// Returns when another process has taken this one's stores over.
    pub(crate) async fn lost(&self) {
        self.stores.lost().await;
    }

    /// Stops in the order that loses nothing: no new visitors, realtime clients sent elsewhere, requests finished, what is
    /// in memory kept, recordings written, stores closed.
    pub(crate) async fn stop(mut self) {
        self.edges.cancel();
        self.realtime.shutdown().await;
        while self.edge_tasks.join_next().await.is_some() {}
        self.work.cancel();
        while self.work_tasks.join_next().await.is_some() {}
        self.media.shutdown().await;
        self.stores.close().await;
    }
}
