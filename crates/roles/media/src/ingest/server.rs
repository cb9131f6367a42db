//! The listeners: accept, bound, and hand each connection to a task of its own.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::{BroadcastId, Clock, caller::network};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{IngestError, IngestSettings, admission::Admission, connection, publishers::Publishers, rounds::Rounds};
use crate::needs::{Gatekeeper, Packager};

/// How long connections may take to say goodbye when the ingest stops.
const DRAIN: Duration = Duration::from_secs(5);
/// Connections the system holds until they are accepted; above it a peer waits a second for its next try.
const BACKLOG: u32 = 4_096;
/// How long to wait after the system could not accept, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The RTMP ingest. Clones are handles of the same one.
#[derive(Clone)]
pub struct Ingest {
    listeners: Arc<Mutex<Vec<Listener>>>,
    admission: Arc<Admission>,
    context: Arc<Context>,
}

/// A port, and the TLS that is spoken there.
struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// What every connection needs.
pub(super) struct Context {
    pub(super) settings: IngestSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) gatekeeper: Arc<dyn Gatekeeper>,
    pub(super) packager: Arc<dyn Packager>,
    pub(super) publishers: Arc<Publishers>,
    pub(super) rounds: Rounds,
}

impl Ingest {
    /// Listens, and says where: the port is the one taken when port 0 was asked for. Nothing is accepted before `run`.
    ///
    /// # Errors
    /// [`IngestError::Listen`] when the address cannot be had.
    pub async fn bind(
        settings: IngestSettings,
        clock: Arc<dyn Clock>,
        gatekeeper: Arc<dyn Gatekeeper>,
        packager: Arc<dyn Packager>,
    ) -> Result<(SocketAddr, Self), IngestError> {
        let listen = |source| IngestError::Listen { address: settings.address, source };
        let listener = open_port(settings.address).map_err(listen)?;
        let local = listener.local_addr().map_err(listen)?;
        let admission = Admission::new(settings.connections_max, settings.waiting_per_address_max);
        let publishers = Arc::new(Publishers::default());
        let context = Arc::new(Context { settings, clock, gatekeeper, packager, publishers, rounds: Rounds::begin() });
        let listeners = Arc::new(Mutex::new(vec![Listener { tcp: listener, tls: None }]));
        Ok((local, Self { listeners, admission, context }))
    }

    /// Listens for RTMPS as well, and says where. Before `run`.
    ///
    /// # Errors
    /// [`IngestError::Listen`] when the address cannot be had.
    pub fn listen_over_tls(&self, address: SocketAddr, tls: Arc<ServerConfig>) -> Result<SocketAddr, IngestError> {
        let listen = |source| IngestError::Listen { address, source };
        let tcp = open_port(address).map_err(listen)?;
        let local = tcp.local_addr().map_err(listen)?;
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Listener { tcp, tls: Some(tls) });
        Ok(local)
    }

    /// Accepts until `cancel`; then closes the ports, ends every connection and returns. Runs once.
    pub async fn run(&self, cancel: CancellationToken) {
        let listeners = std::mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        let (tasks, connections) = (TaskTracker::new(), CancellationToken::new());
        let mut accepting = JoinSet::new();
        for listener in listeners {
            let (ingest, cancel) = (self.clone(), cancel.clone());
            let (tasks, connections) = (tasks.clone(), connections.clone());
            accepting.spawn(async move {
                cancel.run_until_cancelled(ingest.accept(listener, &tasks, &connections)).await;
            });
        }
        while accepting.join_next().await.is_some() {}
        connections.cancel();
        tasks.close();
        if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "RTMP connections did not end in time");
        }
    }

    /// Ends the publisher of the broadcast, if there is one: its show is over.
    pub fn disconnect(&self, broadcast: BroadcastId) {
        self.context.publishers.disconnect(broadcast);
    }

    async fn accept(&self, Listener { tcp, tls }: Listener, tasks: &TaskTracker, connections: &CancellationToken) {
        loop {
            match tcp.accept().await {
                Ok((stream, peer)) => self.admit(stream, tls.clone(), peer, tasks, connections),
                Err(error) => {
                    tracing::warn!(%error, "an RTMP connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(
        &self,
        stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        peer: SocketAddr,
        tasks: &TaskTracker,
        connections: &CancellationToken,
    ) {
        match self.admission.admit(network(peer.ip()), connections) {
            Some(ticket) => {
                tasks.spawn(connection::serve(stream, tls, peer, ticket, Arc::clone(&self.context)));
            }
            None => {
                metrics::counter!("madang_ingest_refused_total", "reason" => "connections_max").increment(1);
                let limit = self.context.settings.connections_max;
                tracing::warn!(%peer, limit, "an RTMP connection is refused: connections_max publishers are connected");
            }
        }
    }
}

fn open_port(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise a restart would wait for the connections of the last run to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
