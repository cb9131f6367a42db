//! The number that a process's ids carry, leased where several processes are one site.
//!
//! Promise: two processes make no id twice. Ids carry the time as well, and clocks differ: so a number is relied on for much
//! shorter than its lease lasts, and it is not given back. A process that cannot renew it has to end.

use std::{sync::Arc, time::Duration};

use ports::leases::Leases;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::AnyError;

/// As many as ids have room for.
const NUMBERS: u16 = 1_024;
/// How long a lease lasts that is not renewed. Clocks may differ by what lies between this and [`RELIED_ON`].
const TIME: Duration = Duration::from_secs(60);
/// How long the number is relied on without being renewed.
const RELIED_ON: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_secs(3);

/// A number, for as long as it is renewed.
#[derive(Debug)]
pub(crate) struct Node {
    number: u16,
    keeper: JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

impl Node {
    /// Takes a number for `holder` that nobody has; the search begins at `seed`.
    pub(crate) async fn take(leases: Arc<dyn Leases>, holder: &Arc<str>, seed: u64) -> Result<Self, AnyError> {
        let first = (seed % u64::from(NUMBERS)) as u16;
        for number in (first..NUMBERS).chain(0..first) {
            let asked = Instant::now();
            if leases.take(&lease(number), holder, TIME).await?.is_some() {
                let (told, lost) = watch::channel(false);
                let keeper = tokio::spawn(keep(leases, number, holder.clone(), asked, told));
                return Ok(Self { number, keeper, lost });
            }
        }
        Err(format!("{NUMBERS} processes of this site have run within the last {} s", TIME.as_secs()).into())
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Returns when the number may be another process's before long.
    pub(crate) async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|is_lost| *is_lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

fn lease(number: u16) -> String {
    format!("node/{number}")
}

async fn keep(leases: Arc<dyn Leases>, number: u16, holder: Arc<str>, mut renewed: Instant, told: watch::Sender<bool>) {
    let name = lease(number);
    while renewed.elapsed() < RELIED_ON {
        sleep(EVERY).await;
        let asked = Instant::now();
        match timeout(EVERY, leases.take(&name, &holder, TIME)).await {
            Ok(Ok(Some(_))) => renewed = asked,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => tracing::warn!(number, %error, "the number of this process's ids cannot be renewed"),
            Err(_) => tracing::warn!(number, "the number of this process's ids is not renewed in time"),
        }
    }
    told.send_replace(true);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use engines::{
        sql::{LEASE_MIGRATIONS, SqlLeases},
        testing::databases,
    };
    use ports::leases::{Fence, LeaseError};

    use super::*;

    #[tokio::test]
    async fn processes_that_begin_at_the_same_number_get_different_ones() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            let leases = Arc::new(SqlLeases::new(db.database.clone()));
            let mut nodes = Vec::new();
            for holder in ["a", "b", "c"] {
                nodes.push(Node::take(leases.clone(), &holder.into(), 5_000 * 1_024 + 1_023).await.unwrap());
            }
            let numbers: Vec<u16> = nodes.iter().map(Node::number).collect();
            assert_eq!(numbers, [1_023, 0, 1], "{}", db.engine);
            drop(nodes);
            let next = Node::take(leases, &"d".into(), 1_023).await.unwrap();
            assert_eq!(next.number(), 2, "those that have ended are not free at once: {}", db.engine);
        }
    }

    #[derive(Default)]
    struct Away(AtomicBool);

    #[async_trait]
    impl Leases for Away {
        async fn take(&self, name: &str, _: &str, _: Duration) -> Result<Option<Fence>, LeaseError> {
            if self.0.load(Ordering::SeqCst) {
                return Err(LeaseError("away".into()));
            }
            Ok(Some(Fence { lease: name.into(), number: 1 }))
        }

        async fn give_back(&self, _: &str, _: &str) -> Result<(), LeaseError> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_that_cannot_be_renewed_is_lost_long_before_it_is_free() {
        let leases = Arc::new(Away::default());
        let node = Node::take(leases.clone(), &"a".into(), 0).await.unwrap();
        assert!(timeout(Duration::from_secs(600), node.lost()).await.is_err(), "it is renewed");
        leases.0.store(true, Ordering::SeqCst);
        let since = Instant::now();
        node.lost().await;
        assert!(
            since.elapsed() >= RELIED_ON - EVERY && since.elapsed() <= RELIED_ON + 2 * EVERY,
            "{:?}",
            since.elapsed()
        );
    }
}
