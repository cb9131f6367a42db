//! Leases: the right to do something that one process of a site has at a time.
//!
//! **Who has it.** A lease that is not renewed for its time ends by itself, on the clock of the engine: what the clocks of the
//! processes say does not matter. Each new holder gets a higher *fence* than the one before.
//!
//! **What it is worth.** A holder that was held up (a long pause, a cut network) may believe in a lease that another one has by now.
//! So nothing that has to be true rests on the lease alone: work under it is done with its fence
//! ([`Fence::guard`]), and a write that is begun there is kept only if nobody has taken the lease since.
//!
//! | engine | the clock | a write under an old fence |
//! |---|---|---|
//! | PostgreSQL | the server's | is refused; a new holder waits for the writes that are under way |
//! | embedded (SQLite) | this machine's; one process has the file anyway | is refused |

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;

/// The engine could not answer; whoever asked has no lease.
#[derive(Debug, thiserror::Error)]
#[error("leases: {0}")]
pub struct LeaseError(pub String);

/// What a holder's writes carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The lease.
    pub lease: Arc<str>,
    /// Which of its holders: 1 for the first, higher for each one after.
    pub number: i64,
}

tokio::task_local! {
    static FENCE: Fence;
}

impl Fence {
    /// Does `work` under this fence: each [`crate::sql::Database::write`] in it fails once another process has the lease. What
    /// `work` spawns is not under it.
    pub async fn guard<T>(self, work: impl Future<Output = T>) -> T {
        FENCE.scope(self, work).await
    }

    /// The fence that this is done under.
    pub fn current() -> Option<Self> {
        FENCE.try_with(Clone::clone).ok()
    }
}

/// Gives leases.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Takes the lease `name` for `time` from now, or renews it. None: another holder has it. `holder` names a process.
    async fn take(&self, name: &str, holder: &str, time: Duration) -> Result<Option<Fence>, LeaseError>;
    /// Gives the lease back, if `holder` has it: the next one need not wait for its end.
    async fn give_back(&self, name: &str, holder: &str) -> Result<(), LeaseError>;
}
