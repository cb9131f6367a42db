//! The gateway itself: what its parts share, and how it starts, counts and stops.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::{Clock, random::mix};
use ports::bus::Bus;
use rest::Takeover;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Admission,
    connection::{CLOSE_TIMEOUT, Counters, Wheel},
    fallbacks,
    hub::Hub,
    needs::{Channels, Connector},
    registry::Registry,
    settings::Settings,
    upgrade::WebSocketRoute,
};

/// The realtime edge of one process.
pub struct Gateway {
    shared: Arc<Shared>,
}

/// What connections share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) hub: Arc<Hub>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) channels: Arc<dyn Channels>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) registry: Registry,
    pub(crate) wheel: Arc<Wheel>,
    pub(crate) counters: Counters,
    /// Cancelled when the process is about to end.
    pub(crate) closing: CancellationToken,
    pub(crate) connections: TaskTracker,
    /// Cancelled when nothing is left to be done.
    stopped: CancellationToken,
    seed: u64,
    numbers: AtomicU64,
}

impl Gateway {
    /// Starts the gateway and attaches it to the bus. Needs a Tokio runtime. `seed` makes the ids of its clients
    /// different from those of other processes: pass a random number. Metrics go to the recorder that is installed by
    /// then.
    pub fn new(
        settings: Settings,
        bus: Arc<dyn Bus>,
        connector: Arc<dyn Connector>,
        channels: Arc<dyn Channels>,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Arc<Self> {
        let stopped = CancellationToken::new();
        let hub = Hub::start(&settings, bus, stopped.clone());
        let admission = Admission::new(settings.connections_max, settings.connections_per_address_max, seed);
        let admission = Arc::new(admission);
        let wheel = Arc::new(Wheel::new());
        let turning = (wheel.clone(), stopped.clone());
        tokio::spawn(async move { turning.1.run_until_cancelled(turning.0.run()).await });
        let shared = Arc::new(Shared {
            settings,
            hub,
            connector,
            channels,
            clock,
            admission,
            registry: Registry::default(),
            wheel: wheel.clone(),
            counters: Counters::new(),
            closing: CancellationToken::new(),
            connections: TaskTracker::new(),
            stopped,
            seed,
            numbers: AtomicU64::new(1),
        });
        Arc::new(Self { shared })
    }

    /// The route clients connect to: `GET /connection/websocket`.
    pub fn takeovers(&self) -> Vec<Arc<dyn Takeover>> {
        vec![Arc::new(WebSocketRoute(self.shared.clone()))]
    }

    /// Routes of clients that WebSockets do not reach: `/connection/http_stream`, `/connection/sse`, `/emulation`. They look for
    /// [`rest::ClientAddress`] among the request's extensions.
    pub fn router(&self) -> axum::Router {
        fallbacks::router(self.shared.clone())
    }

    /// Drains: no new connections; each open one finishes the command it is at, and is told to connect elsewhere
    /// (3001). Returns when all are gone, or a little after the time commands have to finish.
    pub async fn shutdown(&self) {
        self.shared.closing.cancel();
        self.shared.wheel.wake_all();
        self.shared.connections.close();
        let drain = Duration::from_millis(self.shared.settings.drain_ms);
        let longest = drain + CLOSE_TIMEOUT + Duration::from_millis(500);
        if tokio::time::timeout(longest, self.shared.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections(), "connections were left when the time to drain was over");
        }
        self.shared.stopped.cancel();
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.admission.count()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.shared.registry
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.closing.cancel();
        self.shared.wheel.wake_all();
        self.shared.stopped.cancel();
    }
}

impl Shared {
    /// A number for a new connection, and the id other clients see.
    pub(crate) fn next_client(&self) -> (u64, Arc<str>) {
        // Only uniqueness matters.
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (mix(self.seed), mix(self.seed ^ mix(number)));
        (number, format!("{high:016x}{low:016x}").into())
    }
}
