//! A process of a site, with the parts that its role has: put together, started, and stopped in order.

use std::{net::SocketAddr, sync::Arc};

use api::Shell;
use media::MediaService;
use ports::work::{Place, Schedule};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use worker::{Office, Worker};

use super::{
    AnyError, broker, domains::Domains, edge, machine::Machine, media::Media, metering, ready::SiteReady, realtime,
    stores::Stores,
};
use crate::{
    config::{Config, Part, Role},
    tls::{
        Tls,
        acme::{self, Follower, Keeper},
    },
    wire,
};

/// A running process of a site.
pub(crate) struct Site {
    /// What it is for.
    pub(crate) role: Role,
    /// Where it listens for HTTP.
    pub(crate) http: SocketAddr,
    /// What people type into their browser.
    pub(crate) public_url: String,
    /// What encoders on this machine publish to, if it takes them.
    pub(crate) ingest_url: Option<String>,
    /// The same over TLS, where that is spoken.
    pub(crate) rtmps_url: Option<String>,
    /// The one-time link that makes its visitor the administrator, as long as there is none.
    pub(crate) administrator_link: Option<String>,
    edges: CancellationToken,
    work: CancellationToken,
    edge_tasks: JoinSet<()>,
    work_tasks: JoinSet<()>,
    realtime: Option<Arc<gateway::Gateway>>,
    media: Option<Arc<MediaService>>,
    stores: Arc<Stores>,
    machine: Machine,
}

impl Site {
    /// Starts everything; returns when it can be used.
    pub(crate) async fn start(config: Config) -> Result<Self, AnyError> {
        let has = |part| config.role.has(part);
        let metrics = metering::start();
        let tls = config.tls.open()?;
        let stores = Arc::new(Stores::open(&config).await?);
        let machine = stores.machine(&config).await?;
        let office = config.is_one_of_several().then(|| Office::new(stores.leases.clone(), machine.name.clone()));
        let people = wire::people(&machine, &stores.records, &config);
        people.follow_site_settings().await?;
        let certificate = tls.as_ref().and_then(|tls| tls.follower(&stores.records));
        if let Some(certificate) = &certificate {
            match certificate.look().await {
                // Another one is asked for.
                Err(error @ acme::AcmeError::Unusable(_)) => tracing::error!(%error, "no certificate is shown yet"),
                looked => looked?,
            }
        }
        let media = if has(Part::Media) {
            Some(Media::open(&machine, &stores, &config, &people, tls.as_ref().map(|tls| &tls.config)).await?)
        } else {
            None
        };
        let shell = Shell::bind(config.api.clone(), config.http)
            .await
            .map_err(|error| format!("cannot listen on {} for HTTP: {error}", config.http))?;
        let http = shell.local_address();

        let told_to_encoders =
            media.as_ref().map_or(config.public_rtmp_url.clone(), |media| config.ingest_url(media.rtmp));
        let streams = media.as_ref().map(|media| media.streams(config.media_url(http)) as _);
        let domains = Domains::open(&machine, &stores, &config, people, streams, &told_to_encoders).await?;
        if let Some(media) = &media {
            domains.broadcasts.recover_after_restart().await?;
            let tokens = (domains.playback_tokens.clone(), config.live.playback_tokens);
            media.gatekeeper.open(domains.broadcasts.clone(), tokens);
        }
        let realtime = if has(Part::Realtime) {
            Some(realtime::start(&machine, &stores, &config, &domains, http).await?)
        } else {
            None
        };

        let (edges, work) = (CancellationToken::new(), CancellationToken::new());
        let (mut edge_tasks, mut work_tasks) = (JoinSet::new(), JoinSet::new());
        let mut worker = Worker::new(machine.clock.clone()).schedules(schedules(&machine, &stores, &config, &domains));
        if let Some(realtime) = &realtime {
            let connections = Arc::new(wire::GatewayConnections(realtime.gateway.clone()));
            let notice = wire::TellNotice::new(config.notice.clone(), realtime.gateway.clone());
            worker = worker.schedules([domains.people.ended_sessions(connections), Arc::new(notice)]);
        }
        if let Some(certificate) = certificate {
            worker = worker.schedules(certificate_schedules(certificate, &machine, &stores, &config, &work));
        }
        if has(Part::Reactions) {
            worker = worker.reactions(domains.chat.reactions());
            if let Some(broker) = broker::open_for_reactions(&config).await? {
                worker = worker.through(broker);
            }
        }
        if let Some(office) = office {
            worker = worker.together(office);
        }
        work_tasks.spawn(worker.run(stores.event_log(), work.clone()));
        if config.is_one_of_several() && has(Part::Media) && !has(Part::Realtime) {
            let words = wire::ShowWords::listen(&*stores.bus).await;
            let words = words.map_err(|error| format!("cannot hear the other processes: {error}"))?;
            work_tasks.spawn(words.run(domains.broadcasts.clone(), work.clone()));
        }
        work_tasks.spawn(metering::keep(metrics.clone(), work.clone()));
        let tls_of_http = tls.as_ref().map(Tls::for_http);
        if let Some(watch) = tls.and_then(|tls| tls.watch) {
            work_tasks.spawn(watch.run(work.clone()));
        }
        let gateway = realtime.as_ref().map(|realtime| realtime.gateway.clone());
        let about = config.clone();
        let parts = api::Parts {
            api: documented(&config, &domains, gateway.as_ref()),
            lean: lean(&config, &domains, media.as_ref()),
            direct: domains.direct(),
            takeovers: gateway.as_ref().map(|gateway| gateway.takeovers()).unwrap_or_default(),
            ready: Arc::new(SiteReady {
                stores: stores.clone(),
                among_others: gateway.clone().filter(|_| config.is_one_of_several()),
            }),
            realtime: realtime.map(|realtime| realtime.router).unwrap_or_default(),
            metrics: Arc::new(move || metrics.render()),
            authenticator: Arc::new(wire::SessionAuthenticator(domains.people.clone())),
            clock: machine.clock.clone(),
            seed: machine.seed()?,
            site: Arc::new(move || about.site()),
            pages: has(Part::Api),
            tls: tls_of_http,
            media_origins: config.media_origins()?,
        };
        let until = edges.clone();
        edge_tasks.spawn(async move { shell.serve(parts, until).await });
        if let Some(ingest) = media.as_ref().map(|media| media.ingest.clone()) {
            let until = edges.clone();
            edge_tasks.spawn(async move { ingest.run(until).await });
        }

        let public_url = config.public_url(http);
        // Each start makes the link before worthless, so of several processes none prints one.
        let token = match config.role {
            Role::All => domains.people.first_administrator_token().await?,
            _ => None,
        };
        let administrator_link = token.map(|token| format!("{public_url}/claim?token={}", token.reveal()));
        Ok(Self {
            role: config.role,
            http,
            public_url,
            ingest_url: media.as_ref().map(|media| config.local_ingest_url(media.rtmp)),
            rtmps_url: media.as_ref().and_then(|media| media.rtmps).map(|rtmps| config.rtmps_url(rtmps)),
            administrator_link,
            edges,
            work,
            edge_tasks,
            work_tasks,
            realtime: gateway,
            media: media.map(|media| media.service),
            stores,
            machine,
        })
    }

    /// Returns with the reason when this process may not go on: what it does, another one may do by now.
    pub(crate) async fn lost(&self) -> &'static str {
        tokio::select! {
            () = self.stores.lost() => edge::LOST,
            () = self.machine.lost() => "the number of this process's ids could not be renewed in the database of engines.sql",
        }
    }

    /// Stops in the order that loses nothing: realtime clients sent elsewhere, no new visitors, requests finished, what is
    /// in memory kept, recordings written, stores closed.
    pub(crate) async fn stop(mut self) {
        if let Some(realtime) = &self.realtime {
            realtime.move_clients().await;
        }
        self.edges.cancel();
        if let Some(realtime) = &self.realtime {
            realtime.shutdown().await;
        }
        while self.edge_tasks.join_next().await.is_some() {}
        self.work.cancel();
        while self.work_tasks.join_next().await.is_some() {}
        if let Some(media) = &self.media {
            media.shutdown().await;
        }
        self.stores.close().await;
    }
}

/// What has to be done again and again here: for what is in the memory of this process, and for the site.
fn schedules(machine: &Machine, stores: &Stores, config: &Config, domains: &Domains) -> Vec<Arc<dyn Schedule>> {
    let mut schedules = domains.schedules();
    schedules.push(Arc::new(wire::Retention {
        clock: machine.clock.clone(),
        blobs: stores.blobs.clone(),
        broadcasts: domains.broadcasts.clone(),
        days: config.media.retention_days,
    }));
    schedules.push(wire::trimming(machine, stores.event_log()));
    if let Some(clock) = &machine.shared_clock {
        schedules.push(Arc::new(wire::SharedClock::new(clock.clone())));
    }
    schedules.retain(|schedule| config.role.has(Part::Schedules) || schedule.place() == Place::Memory);
    schedules
}

/// Follows the certificate in the records here, and keeps it where the schedules of the site are run.
fn certificate_schedules(
    follower: Arc<Follower>,
    machine: &Machine,
    stores: &Stores,
    config: &Config,
    until: &CancellationToken,
) -> Vec<Arc<dyn Schedule>> {
    let mut schedules: Vec<Arc<dyn Schedule>> = vec![follower.clone()];
    if config.role.has(Part::Schedules) {
        let needs = acme::Needs {
            look_every: config.tls.look_every(),
            clock: machine.clock.clone(),
            records: stores.records.clone(),
            follower,
            has_others: config.is_one_of_several(),
            until: until.clone(),
        };
        schedules.push(Arc::new(Keeper::new(config.tls.acme.clone(), needs)));
    }
    schedules
}

fn documented(config: &Config, domains: &Domains, gateway: Option<&Arc<gateway::Gateway>>) -> OpenApiRouter {
    let api = if config.role.has(Part::Api) { domains.api() } else { OpenApiRouter::new() };
    match gateway {
        Some(gateway) => {
            let signed_in = wire::signed_in(domains.people.clone(), gateway.clone());
            api.merge(wire::gateways(gateway.clone())).merge(signed_in)
        }
        None => api,
    }
}

fn lean(config: &Config, domains: &Domains, media: Option<&Media>) -> OpenApiRouter {
    let is_for_players = config.role.has(Part::Api) || config.role.has(Part::Crowd);
    let lean = if is_for_players { domains.lean() } else { OpenApiRouter::new() };
    match media {
        Some(media) => lean.merge(media.service.router().into()),
        None => lean,
    }
}
