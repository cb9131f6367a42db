//! What everybody should read now, over the realtime connection: told with the connect reply, and to all who are connected when
//! it changes.
//!
//! May lose a change for a client that connects at that very moment; pages ask the site now and then anyway.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::Gateway;
use kernel::Adjustable;
use ports::work::{Place, Schedule, WorkError};
use serde_json::json;

/// The notice of the site, as clients read it: `{"type": "notice", "notice": "…"}`, empty when there is none any more.
pub(crate) fn notice_as_data(notice: &str) -> Bytes {
    json!({ "type": "notice", "notice": notice }).to_string().into()
}

/// Tells the connections of this process when the notice is another one, whoever changed it.
pub(crate) struct TellNotice {
    notice: Adjustable<String>,
    gateway: Arc<Gateway>,
    told: Mutex<String>,
}

impl TellNotice {
    pub(crate) fn new(notice: Adjustable<String>, gateway: Arc<Gateway>) -> Self {
        let told = Mutex::new(notice.get());
        Self { notice, gateway, told }
    }
}

#[async_trait]
impl Schedule for TellNotice {
    fn name(&self) -> &'static str {
        "site.notice"
    }

    /// Each process has connections of its own.
    fn place(&self) -> Place {
        Place::Memory
    }

    /// Other processes know of a change within a second, as [`people::site_settings`] says; the rest of two is for this.
    fn every(&self) -> Duration {
        Duration::from_millis(250)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let now = self.notice.get();
        let before = std::mem::replace(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        if now != before {
            self.gateway.send_to_all(&notice_as_data(&now));
        }
        Ok(())
    }
}
