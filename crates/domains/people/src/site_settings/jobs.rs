//! Lets this process have the settings that another one was told. Idempotent: it makes what holds here what is kept.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::SettingsDesk;

/// Looks every second whether something was changed elsewhere.
pub struct FollowSiteSettings(Arc<SettingsDesk>);

impl FollowSiteSettings {
    pub(crate) fn new(desk: Arc<SettingsDesk>) -> Self {
        Self(desk)
    }
}

#[async_trait]
impl Schedule for FollowSiteSettings {
    fn name(&self) -> &'static str {
        "people.site_settings"
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.follow().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, testing::sites};

    #[tokio::test]
    async fn every_process_looks_often_enough_for_two_seconds() {
        for site in sites(Settings::default()).await {
            let follows = FollowSiteSettings::new(site.people.site_settings.clone());
            assert!(follows.place() == Place::Memory && follows.every() <= Duration::from_secs(1));
        }
    }
}
