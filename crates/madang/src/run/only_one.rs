//! Parts of a site that one process has at a time: another one of the same role waits until it is needed.
//!
//! What they have is in their memory, and two of them would each have half of it.

use std::time::Duration;

use ports::leases::Leases;
use std::sync::Arc;
use tokio::time::sleep;

use super::{
    AnyError,
    tenancy::{Tenancy, Terms},
};
use crate::config::{Part, Role};

const TERMS: Terms =
    Terms { time: Duration::from_secs(5), relied_on: Duration::from_secs(4), every: Duration::from_secs(1) };

/// The right to be the one process of its role; nothing where a role may have several.
pub(super) struct OnlyOne(Option<Tenancy>);

impl OnlyOne {
    /// Waits until no other process has the role.
    pub(super) async fn wait(leases: &Arc<dyn Leases>, holder: &Arc<str>, role: Role) -> Result<Self, AnyError> {
        let name = match role {
            _ if role.has(Part::Crowd) => "crowd",
            _ if role.has(Part::Media) => "media",
            _ => return Ok(Self(None)),
        };
        let mut told = false;
        loop {
            if let Some(tenancy) = Tenancy::take(leases, name.into(), holder, TERMS).await? {
                return Ok(Self(Some(tenancy)));
            }
            if !std::mem::replace(&mut told, true) {
                tracing::info!(lease = name, "another process has this role; this one waits until it is needed");
            }
            sleep(TERMS.every).await;
        }
    }

    /// For a process that has no others.
    pub(super) fn undisputed() -> Self {
        Self(None)
    }

    /// Returns when another process may have the role before long.
    pub(super) async fn lost(&self) {
        match &self.0 {
            Some(tenancy) => tenancy.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Lets the next one begin.
    pub(super) async fn give_back(&self) {
        if let Some(tenancy) = &self.0 {
            tenancy.give_back().await;
        }
    }
}
