//! Whether this process can do its work.

use std::sync::Arc;

use api::{Check, Readiness};
use async_trait::async_trait;
use gateway::Gateway;

use super::{rooms::answers, stores::Stores};

/// Ready when every store answers, and the other gateways are heard.
pub(crate) struct SiteReady {
    pub(crate) stores: Arc<Stores>,
    /// The gateway of this process, where it is one of several.
    pub(crate) among_others: Option<Arc<Gateway>>,
}

#[async_trait]
impl Readiness for SiteReady {
    async fn checks(&self) -> Vec<Check> {
        let (records, rooms) = tokio::join!(answers(&self.stores.records), self.stores.rooms.check());
        let blobs = self.stores.blobs.answers().await.map_err(|error| error.to_string());
        let mut checks = vec![
            Check { name: "records", result: records },
            Check { name: "rooms", result: rooms },
            Check { name: "blobs", result: blobs },
        ];
        if let Some(gateway) = &self.among_others {
            checks.push(Check { name: "gateways", result: hears_others(gateway) });
        }
        checks
    }
}

/// Whether what other gateways say is heard.
pub(super) fn hears_others(gateway: &Gateway) -> Result<(), String> {
    if gateway.hears_others() { Ok(()) } else { Err("this gateway does not hear the others".to_owned()) }
}
