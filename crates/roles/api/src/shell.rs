//! The shell as a role: bound, then serving until it is cancelled.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use axum::Router;
use kernel::Clock;
use rest::{Direct, Takeover};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::{Authenticator, Origin, Readiness, Settings, Site, accept::accept, front::Front, pages::Pages, routes};

/// Connections that may wait to be accepted. The usual 128 makes a crowd that comes at once wait a second for its retry.
const BACKLOG: u32 = 4_096;

/// TLS as it is spoken with clients.
#[derive(Clone)]
pub struct Tls {
    /// How. Which protocols it leads to is ours to say.
    pub config: Arc<ServerConfig>,
    /// Whether there is a certificate by now. Until there is, those who speak plain HTTP are served as well.
    pub is_certified: Arc<AtomicBool>,
    /// Protocols of clients that want to shake hands, and nothing else.
    pub only_shaking_hands: Vec<Vec<u8>>,
}

/// What the binary hands to the shell.
pub struct Parts {
    /// Documented routes: they get the caller, limits and every other layer.
    pub api: OpenApiRouter,
    /// Hearts, beats, playbacks, media: they get the client's address and a bounded body, nothing else.
    pub lean: OpenApiRouter,
    /// Those of the lean routes that are asked for so often that the shell finds them without the router.
    pub direct: Vec<Arc<dyn Direct>>,
    /// Routes that take connections out of HTTP; their Origin is checked.
    pub takeovers: Vec<Arc<dyn Takeover>>,
    /// Routes besides the documented ones, whose Origin is checked: the realtime connection where it stays HTTP.
    pub realtime: Router,
    /// Whether this process can do its work.
    pub ready: Arc<dyn Readiness>,
    /// The metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Who a session token belongs to.
    pub authenticator: Arc<dyn Authenticator>,
    /// The time, for rate limits.
    pub clock: Arc<dyn Clock>,
    /// Decides who that is refused is told to come back when: a random number.
    pub seed: u64,
    /// What `GET /api/v1/site` tells, asked for each answer.
    pub site: Arc<dyn Fn() -> Site + Send + Sync>,
    /// Whether the web UI is served.
    pub pages: bool,
    /// The TLS that is spoken; none: plain HTTP.
    pub tls: Option<Tls>,
    /// Where media is played from when that is another site, a CDN's or a store's: pages may load from there.
    pub media_origins: Vec<Origin>,
}

/// The HTTP shell, bound to its address.
pub struct Shell {
    settings: Settings,
    listener: TcpListener,
    local_address: SocketAddr,
}

impl Shell {
    /// Binds the address; port 0 takes any that is free. Connections wait until `serve`.
    pub async fn bind(settings: Settings, address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let local_address = listener.local_addr()?;
        Ok(Self { settings, listener, local_address })
    }

    /// The address it is bound to.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Serves until `cancel`; returns when requests have ended or their drain time is over.
    pub async fn serve(self, parts: Parts, cancel: CancellationToken) {
        let (direct, takeovers) = (parts.direct.clone(), parts.takeovers.clone());
        let (seed, tls) = (parts.seed, parts.tls.clone());
        let origins = routes::trusted_origins(&self.settings);
        let pages = if parts.pages { Pages::embedded() } else { Pages::none() };
        let router = routes::assemble(&self.settings, parts, origins.clone(), pages);
        let front = Arc::new(Front::new(router, direct, takeovers, origins, &self.settings));
        accept(self.listener, tls, front, &self.settings, seed, cancel).await;
    }
}
