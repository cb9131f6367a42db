//! A lease that a process cannot do without: it is kept for as long as it is renewed, and who loses it has to end.

use std::{sync::Arc, time::Duration};

use ports::leases::{LeaseError, Leases};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How a lease is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How long it lasts that is not renewed.
    pub(super) time: Duration,
    /// How long it is relied on without being renewed.
    pub(super) relied_on: Duration,
    /// How often it is renewed.
    pub(super) every: Duration,
}

/// A lease that this process has.
pub(super) struct Tenancy {
    leases: Arc<dyn Leases>,
    name: String,
    holder: Arc<str>,
    keeper: JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

impl Tenancy {
    /// Takes the lease `name` for `holder`; none when another one has it.
    pub(super) async fn take(
        leases: &Arc<dyn Leases>,
        name: String,
        holder: &Arc<str>,
        terms: Terms,
    ) -> Result<Option<Self>, LeaseError> {
        let asked = Instant::now();
        if leases.take(&name, holder, terms.time).await?.is_none() {
            return Ok(None);
        }
        let (told, lost) = watch::channel(false);
        let (leases, holder) = (leases.clone(), holder.clone());
        let keeper = tokio::spawn(keep(leases.clone(), name.clone(), holder.clone(), terms, asked, told));
        Ok(Some(Self { leases, name, holder, keeper, lost }))
    }

    /// Returns when it may be another process's before long.
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|is_lost| *is_lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Gives it back: the next one need not wait for its end.
    pub(super) async fn give_back(&self) {
        self.keeper.abort();
        if let Err(error) = self.leases.give_back(&self.name, &self.holder).await {
            tracing::debug!(lease = self.name, %error, "a lease is not given back; it ends by itself");
        }
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(
    leases: Arc<dyn Leases>,
    name: String,
    holder: Arc<str>,
    terms: Terms,
    mut renewed: Instant,
    told: watch::Sender<bool>,
) {
    while renewed.elapsed() < terms.relied_on {
        sleep(terms.every).await;
        let asked = Instant::now();
        match timeout(terms.every, leases.take(&name, &holder, terms.time)).await {
            Ok(Ok(Some(_))) => renewed = asked,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => tracing::warn!(lease = name, %error, "a lease cannot be renewed"),
            Err(_) => tracing::warn!(lease = name, "a lease is not renewed in time"),
        }
    }
    told.send_replace(true);
}
