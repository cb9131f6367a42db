//! The number that a process's ids carry, leased where several processes are one site.
//!
//! Promise: two processes make no id twice. Ids carry the time as well, and clocks differ: so a number is relied on for much
//! shorter than its lease lasts, and it is not given back. A process that cannot renew it has to end.

use std::{sync::Arc, time::Duration};

use ports::leases::Leases;
use worker::{Office, Tenure, Terms};

use super::AnyError;

/// As many as ids have room for.
const NUMBERS: u16 = 1_024;
/// Clocks may differ by what lies between the time of the lease and that for which it is relied on.
const TERMS: Terms =
    Terms { time: Duration::from_secs(60), relied_on: Duration::from_secs(20), every: Duration::from_secs(3) };

/// A number, for as long as it is renewed.
pub(crate) struct Node {
    number: u16,
    tenure: Tenure,
}

impl Node {
    /// Takes a number for `holder` that nobody has; the search begins at `seed`.
    pub(crate) async fn take(leases: &Arc<dyn Leases>, holder: &Arc<str>, seed: u64) -> Result<Self, AnyError> {
        let first = (seed % u64::from(NUMBERS)) as u16;
        for number in (first..NUMBERS).chain(0..first) {
            let lease = format!("node/{number}");
            if leases.take(&lease, holder, TERMS.time).await?.is_some() {
                let tenure = Office::new(leases.clone(), holder.clone()).seek(lease, TERMS);
                tenure.begun().await;
                return Ok(Self { number, tenure });
            }
        }
        Err(format!("{NUMBERS} processes of this site have run within the last {} s", TERMS.time.as_secs()).into())
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Returns when the number may be another process's before long.
    pub(crate) async fn lost(&self) {
        self.tenure.ended().await;
    }
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
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn processes_that_begin_at_the_same_number_get_different_ones() {
        for db in databases(&[LEASE_MIGRATIONS]).await {
            let leases: Arc<dyn Leases> = Arc::new(SqlLeases::new(db.database.clone()));
            let mut nodes = Vec::new();
            for holder in ["a", "b", "c"] {
                nodes.push(Node::take(&leases, &holder.into(), 5_000 * 1_024 + 1_023).await.unwrap());
            }
            let numbers: Vec<u16> = nodes.iter().map(Node::number).collect();
            assert_eq!(numbers, [1_023, 0, 1], "{}", db.engine);
            drop(nodes);
            let next = Node::take(&leases, &"d".into(), 1_023).await.unwrap();
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
        let away = Arc::new(Away::default());
        let leases: Arc<dyn Leases> = away.clone();
        let node = Node::take(&leases, &"a".into(), 0).await.unwrap();
        assert!(timeout(Duration::from_secs(600), node.lost()).await.is_err(), "it is renewed");
        away.0.store(true, Ordering::SeqCst);
        let since = Instant::now();
        node.lost().await;
        let after = since.elapsed();
        assert!(after >= TERMS.relied_on - TERMS.every && after <= TERMS.relied_on + 2 * TERMS.every, "{after:?}");
    }
}
