//! The gateway itself: what its parts share, and how it starts, counts and stops.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::{Caller, Clock, random::mix};
use ports::bus::{Bus, BusError};
use rest::Takeover;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Admission,
    connection::{CLOSE_TIMEOUT, Counters, Wheel},
    fallbacks::{self, Sessions},
    fleet::{Ear, Fleet, Profile},
    hub::{Hub, Order},
    needs::{Channels, Connector},
    registry::Registry,
    sent_away::SentAway,
    settings::Settings,
    upgrade::WebSocketRoute,
};

/// How often some clients are sent elsewhere while a gateway drains.
const MOVE_EVERY: Duration = Duration::from_millis(100);

/// The realtime edge of one process.
pub struct Gateway {
    shared: Arc<Shared>,
}

/// What connections share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) hub: Arc<Hub>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) channels: Arc<dyn Channels>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) registry: Registry,
    pub(crate) sent_away: SentAway,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) wheel: Arc<Wheel>,
    pub(crate) counters: Counters,
    /// Cancelled when the process is about to end.
    pub(crate) closing: CancellationToken,
    pub(crate) connections: TaskTracker,
    /// Cancelled when nothing is left to be done.
    stopped: CancellationToken,
    pub(crate) began: Instant,
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
        let hub = Hub::start(&settings, bus.clone(), stopped.clone());
        let (fleet, questions) = if settings.shares_bus {
            let (fleet, questions) = Fleet::among(id_of(seed), bus.clone());
            (fleet, Some(questions))
        } else {
            (Fleet::alone(), None)
        };
        let fleet = Arc::new(fleet);
        bus.attach(Arc::new(Ear { hub: hub.clone(), fleet: fleet.clone() }));
        let admission = Admission::new(settings.connections_max, settings.connections_per_address_max, seed);
        let admission = Arc::new(admission);
        let wheel = Arc::new(Wheel::new());
        let turning = (wheel.clone(), stopped.clone());
        tokio::spawn(async move { turning.1.run_until_cancelled(turning.0.run()).await });
        let shared = Arc::new(Shared {
            settings,
            hub,
            fleet: fleet.clone(),
            connector,
            channels,
            clock,
            admission,
            registry: Registry::default(),
            sent_away: SentAway::default(),
            sessions: Arc::default(),
            wheel: wheel.clone(),
            counters: Counters::new(),
            closing: CancellationToken::new(),
            connections: TaskTracker::new(),
            stopped: stopped.clone(),
            began: Instant::now(),
            seed,
            numbers: AtomicU64::new(1),
        });
        let gateway = Arc::new(Self { shared });
        if let Some(questions) = questions {
            let itself = Arc::downgrade(&gateway);
            tokio::spawn(async move { fleet.run(itself, questions, stopped).await });
        }
        gateway
    }

    /// Gets to know the other gateways, and them to know this one; to be awaited before it serves. At once when there can be
    /// no others.
    pub async fn join(&self) -> Result<(), BusError> {
        self.shared.fleet.join().await
    }

    /// The gateways a client may go to, the emptiest first; this one among them.
    pub fn gateways(&self) -> Vec<Profile> {
        self.shared.fleet.profiles(self)
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

    /// Sends the clients to the other gateways, where there are any, over a while, so that these do not get them all at once.
    /// New ones are refused from its beginning on; everything else goes on until [`Self::shutdown`].
    pub async fn move_clients(&self) {
        let Shared { fleet, settings, registry, .. } = &*self.shared;
        fleet.drain().await;
        if !fleet.has_others() {
            return;
        }
        let clients = registry.all();
        let over = Duration::from_millis(settings.move_over_ms);
        let rounds = (over.as_millis() / MOVE_EVERY.as_millis()).max(1) as usize;
        for some in clients.chunks(clients.len().div_ceil(rounds).max(1)) {
            for client in some {
                // One that cannot take it has ended.
                let _ = client.order(Order::Leave);
            }
            tokio::time::sleep(MOVE_EVERY.min(over)).await;
        }
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
        self.shared.fleet.leave().await;
        self.shared.stopped.cancel();
    }

    /// Whether this gateway hears the others; always when it is alone.
    pub fn hears_others(&self) -> bool {
        self.shared.fleet.hears()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.admission.count()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.shared.hub
    }

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
    /// Whether a client has to go to another gateway: its session was moved there, and there is one still.
    pub(crate) fn sends_away(&self, caller: &Caller) -> bool {
        let Some(identity) = &caller.identity else { return false };
        self.sent_away.has(identity.session.raw()) && self.fleet.has_others()
    }

    /// Whether it takes no new connections any more.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing.is_cancelled() || self.fleet.is_draining()
    }

    /// What tells this gateway from others.
    pub(crate) fn id(&self) -> String {
        id_of(self.seed)
    }

    /// A number for a new connection, and the id other clients see.
    pub(crate) fn next_client(&self) -> (u64, Arc<str>) {
        // Only uniqueness matters.
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let low = mix(self.seed ^ mix(number));
        (number, format!("{}{low:016x}", id_of(self.seed)).into())
    }
}

/// The id of the gateway with this seed; those of its clients begin with it.
fn id_of(seed: u64) -> String {
    format!("{:016x}", mix(seed))
}
