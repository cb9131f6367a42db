//! A lease that is asked for until it is there, and renewed from then on.

use std::{sync::Arc, time::Duration};

use ports::leases::{Fence, Leases};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How a lease is kept.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long it lasts that is not renewed.
    pub time: Duration,
    /// How long it is relied on without being renewed: what is begun under it takes a moment, and clocks differ.
    pub relied_on: Duration,
    /// How often it is renewed, or asked for.
    pub every: Duration,
}

impl Terms {
    /// For work that another process should go on with soon.
    pub const SHORT: Self =
        Self { time: Duration::from_secs(5), relied_on: Duration::from_secs(4), every: Duration::from_secs(1) };
}

/// Where leases come from, and whom they are given to.
#[derive(Clone)]
pub struct Office {
    leases: Arc<dyn Leases>,
    holder: Arc<str>,
}

impl Office {
    /// Leases of `leases` for this process, which is called `holder` among others.
    pub fn new(leases: Arc<dyn Leases>, holder: Arc<str>) -> Self {
        Self { leases, holder }
    }

    /// Asks for the lease `name` from now on, until the tenure is given back or dropped. Call within a runtime.
    pub fn seek(&self, name: impl Into<Arc<str>>, terms: Terms) -> Tenure {
        let (told, held) = watch::channel(None);
        let (name, ending) = (name.into(), CancellationToken::new());
        let seeking = tokio::spawn(seek(self.clone(), name.clone(), terms, told, ending.clone()));
        Tenure { office: self.clone(), name, held, ending, seeking }
    }
}

/// A lease that this process has, or waits for. Dropped, it ends by itself after its time.
pub struct Tenure {
    office: Office,
    name: Arc<str>,
    held: watch::Receiver<Option<Fence>>,
    ending: CancellationToken,
    seeking: JoinHandle<()>,
}

impl Tenure {
    /// Returns when this process has the lease.
    pub async fn begun(&self) {
        self.right().begun().await;
    }

    /// Returns when this process has the lease no longer.
    pub async fn ended(&self) {
        let mut held = self.held.clone();
        if held.wait_for(Option::is_none).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Gives the lease back: the next one need not wait for its end.
    pub async fn give_back(mut self) {
        self.ending.cancel();
        // A renewal that is under way would take it again.
        let _ = (&mut self.seeking).await;
        if let Err(error) = self.office.leases.give_back(&self.name, &self.office.holder).await {
            tracing::debug!(lease = &*self.name, %error, "a lease is not given back; it ends by itself");
        }
    }

    /// What work under it has to ask.
    pub(crate) fn right(&self) -> Right {
        Right(Some(self.held.clone()))
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.seeking.abort();
    }
}

/// Whether work may be done here now.
#[derive(Clone)]
pub(crate) struct Right(Option<watch::Receiver<Option<Fence>>>);

impl Right {
    /// Of work that nobody else does.
    pub(crate) fn undisputed() -> Self {
        Self(None)
    }

    /// Waits for the lease. Its fence; none where no lease is needed.
    pub(crate) async fn begun(&mut self) -> Option<Fence> {
        let held = self.0.as_mut()?;
        let begun = held.wait_for(Option::is_some).await.map(|fence| fence.clone());
        match begun {
            Ok(fence) => fence,
            // Whoever asks for the lease has ended: this process does.
            Err(_) => std::future::pending().await,
        }
    }

    /// The fence now; none also while another process has the lease.
    pub(crate) fn fence(&self) -> Option<Fence> {
        self.0.as_ref().and_then(|held| held.borrow().clone())
    }

    /// Whether this process may do the work now.
    pub(crate) fn is_held(&self) -> bool {
        self.0.as_ref().is_none_or(|held| held.borrow().is_some())
    }
}

async fn seek(
    Office { leases, holder }: Office,
    name: Arc<str>,
    terms: Terms,
    told: watch::Sender<Option<Fence>>,
    ending: CancellationToken,
) {
    let mut relied_until = Instant::now();
    while !ending.is_cancelled() {
        let asked = Instant::now();
        match timeout(terms.every, leases.take(&name, &holder, terms.time)).await {
            Ok(Ok(Some(fence))) => {
                relied_until = asked + terms.relied_on;
                tell(&told, &name, Some(fence));
            }
            Ok(Ok(None)) => tell(&told, &name, None),
            // What was given lasts until its end.
            unknown => {
                if let Ok(Err(error)) = unknown {
                    tracing::debug!(lease = &*name, %error, "a lease cannot be asked for");
                }
                if relied_until <= Instant::now() {
                    tell(&told, &name, None);
                }
            }
        }
        let _ = ending.run_until_cancelled(sleep(terms.every)).await;
    }
    tell(&told, &name, None);
}

fn tell(told: &watch::Sender<Option<Fence>>, name: &str, fence: Option<Fence>) {
    told.send_if_modified(|held| {
        if *held == fence {
            return false;
        }
        metrics::gauge!("madang_lease_held", "lease" => name.to_owned()).set(f64::from(u8::from(fence.is_some())));
        match &fence {
            Some(fence) => tracing::info!(lease = name, fence = fence.number, "this process has the lease"),
            None => tracing::info!(lease = name, "this process has the lease no longer"),
        }
        *held = fence;
        true
    });
}
