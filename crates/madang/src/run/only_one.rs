//! Parts of a site that one process has at a time: another one of the same role waits until it is needed.
//!
//! What they have is in their memory, and two of them would each have half of it.

use std::time::Duration;

use tokio::time::timeout;
use worker::{Office, Tenure, Terms};

use crate::config::{Part, Role};

/// Who has waited for so long waits for another process.
const SOON: Duration = Duration::from_secs(1);

/// The right to be the one process of its role; nothing where a role may have several.
pub(super) struct OnlyOne(Option<Tenure>);

impl OnlyOne {
    /// Waits until no other process has the role.
    pub(super) async fn wait(office: &Office, role: Role) -> Self {
        if !role.has(Part::Crowd) {
            return Self(None);
        }
        let name = "crowd";
        let tenure = office.seek(name, Terms::SHORT);
        if timeout(SOON, tenure.begun()).await.is_err() {
            tracing::info!(lease = name, "another process has this role; this one waits until it is needed");
            tenure.begun().await;
        }
        Self(Some(tenure))
    }

    /// For a process that has no others.
    pub(super) fn undisputed() -> Self {
        Self(None)
    }

    /// Returns when another process may have the role before long.
    pub(super) async fn lost(&self) {
        match &self.0 {
            Some(tenure) => tenure.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Lets the next one begin.
    pub(super) async fn give_back(self) {
        if let Some(tenure) = self.0 {
            tenure.give_back().await;
        }
    }
}
