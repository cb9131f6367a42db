//! What the parts of a process share: time, randomness, ids, and the name of the process among others.

use std::sync::Arc;

use engines::{
    sql::ServerClock,
    system::{SystemClock, SystemRandom},
};
use kernel::{Clock, Random, Snowflake, random::RandomError};
use ports::{leases::Leases, sql::Database};

use super::{AnyError, node::Node};

/// What the parts of a process share.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) ids: Arc<Snowflake>,
    /// What no other process is called.
    pub(crate) name: Arc<str>,
    /// The clock, where it is that of the database all share.
    pub(crate) shared_clock: Option<Arc<ServerClock>>,
    node: Option<Arc<Node>>,
}

impl Machine {
    /// Of a process that is a whole site: it holds the lock of its data folder or database, so its ids need no lease.
    pub(crate) fn alone() -> Result<Self, RandomError> {
        let name = name(&SystemRandom)?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            ids: Arc::new(Snowflake::new(0)),
            name,
            shared_clock: None,
            node: None,
        })
    }

    /// Of one process among others: its ids carry a number that nobody else has, and its time is that of the database's server.
    pub(crate) async fn among_others(leases: &Arc<dyn Leases>, records: &Database) -> Result<Self, AnyError> {
        let alone = Self::alone()?;
        let clock = Arc::new(ServerClock::of(records, alone.clock.clone()).await?);
        let node = Node::take(leases, &alone.name, seed(&*alone.random)?).await?;
        Ok(Self {
            clock: clock.clone(),
            ids: Arc::new(Snowflake::new(node.number())),
            shared_clock: Some(clock),
            node: Some(Arc::new(node)),
            ..alone
        })
    }

    /// Returns when its ids may be made by another process, too.
    pub(crate) async fn lost(&self) {
        match &self.node {
            Some(node) => node.lost().await,
            None => std::future::pending().await,
        }
    }

    /// A number no other process has.
    pub(crate) fn seed(&self) -> Result<u64, RandomError> {
        seed(&*self.random)
    }
}

fn seed(random: &dyn Random) -> Result<u64, RandomError> {
    let mut seed = [0; 8];
    random.fill(&mut seed)?;
    Ok(u64::from_le_bytes(seed))
}

fn name(random: &dyn Random) -> Result<Arc<str>, RandomError> {
    Ok(format!("{:016x}", seed(random)?).into())
}
