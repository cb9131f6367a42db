//! The crowd's numbers for the feed and the lists.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use kernel::BroadcastId;
use ports::sql::{Database, SqlError};

use crate::{
    hearts::{self, Hearts},
    needs::{Audience, NeedError, PlayerHealth, Total, Totals, ViewerCounts},
    viewers::{self, Viewers},
};

/// Answers [`Audience`] from memory and [`Totals`] from the store.
#[derive(Debug, Clone)]
pub struct AudienceOf {
    database: Database,
    viewers: Arc<Viewers>,
    hearts: Arc<Hearts>,
}

impl AudienceOf {
    /// The numbers of these viewers and hearts.
    pub fn new(database: Database, viewers: Arc<Viewers>, hearts: Arc<Hearts>) -> Self {
        Self { database, viewers, hearts }
    }

    async fn kept(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, SqlError> {
        let mut totals: HashMap<BroadcastId, Total> = HashMap::new();
        for (broadcast, viewers) in viewers::totals(&self.database, broadcasts).await? {
            totals.entry(broadcast).or_default().viewers = viewers;
        }
        for broadcast in broadcasts {
            if let Some(latest) = self.viewers.latest(*broadcast) {
                totals.entry(*broadcast).or_default().viewers = ViewerCounts { concurrent: 0, ..latest };
            }
        }
        for (broadcast, hearts) in hearts::totals(&self.database, broadcasts).await? {
            totals.entry(broadcast).or_default().hearts = hearts;
        }
        Ok(totals)
    }
}

impl Audience for AudienceOf {
    fn counts(&self, broadcast: BroadcastId) -> ViewerCounts {
        self.viewers.counts(broadcast)
    }

    fn hearts(&self, broadcast: BroadcastId) -> u64 {
        self.hearts.total(broadcast)
    }

    fn players(&self, broadcast: BroadcastId) -> PlayerHealth {
        self.viewers.players(broadcast)
    }
}

#[async_trait]
impl Totals for AudienceOf {
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        self.kept(broadcasts).await.map_err(|error| NeedError(format!("the crowd's totals: {error}")))
    }
}
