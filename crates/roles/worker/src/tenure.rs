//! A lease that is kept for as long as there is work.

use std::{sync::Arc, time::Duration};

use ports::leases::{Fence, Leases};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a lease lasts that is not renewed: so long nobody does the work of a process that died.
const TIME: Duration = Duration::from_secs(5);
/// How often it is renewed, or asked for.
const EVERY: Duration = Duration::from_secs(1);
/// It is not relied on to its very end: what is begun under it takes a moment.
const MARGIN: Duration = Duration::from_secs(1);

/// Where leases come from, and whom they are given to.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) leases: Arc<dyn Leases>,
    /// This process.
    pub(crate) holder: Arc<str>,
}

/// A lease, when this process has it.
#[derive(Clone)]
pub(crate) struct Tenure(Option<watch::Receiver<Option<Fence>>>);

impl Tenure {
    /// For work that nobody else does.
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

impl Office {
    /// Keeps asking for the lease `name` until cancelled, and gives it back then.
    pub(crate) fn seek(&self, name: String, cancel: CancellationToken) -> (Tenure, impl Future<Output = ()> + use<>) {
        let (told, held) = watch::channel(None);
        let Self { leases, holder } = self.clone();
        let seeking = async move {
            let mut relied_until = Instant::now();
            while !cancel.is_cancelled() {
                let asked = Instant::now();
                match timeout(EVERY, leases.take(&name, &holder, TIME)).await {
                    Ok(Ok(Some(fence))) => {
                        relied_until = asked + TIME - MARGIN;
                        tell(&told, &name, Some(fence));
                    }
                    Ok(Ok(None)) => tell(&told, &name, None),
                    // Unknown: what was given lasts until its end.
                    _ if relied_until <= Instant::now() => tell(&told, &name, None),
                    _ => {}
                }
                let _ = cancel.run_until_cancelled(sleep(EVERY)).await;
            }
            tell(&told, &name, None);
            if let Err(error) = leases.give_back(&name, &holder).await {
                tracing::debug!(lease = name, %error, "a lease is not given back; it ends by itself");
            }
        };
        (Tenure(Some(held)), seeking)
    }
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
