//! The crowd's numbers for the feed and the lists, in the process that has the crowd.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use kernel::BroadcastId;
use ports::sql::{Database, SqlError};

use super::audience_of_rows;
use crate::{
    hearts::Hearts,
    needs::{Audience, NeedError, PlayerHealth, Total, Totals, ViewerCounts},
    viewers::Viewers,
};

/// Answers [`Audience`] from memory, and [`Totals`] from the store.
#[derive(Debug, Clone)]
pub struct AudienceInMemory {
    database: Database,
    viewers: Arc<Viewers>,
    hearts: Arc<Hearts>,
}

impl AudienceInMemory {
    /// The numbers of these viewers and hearts.
    pub fn new(database: Database, viewers: Arc<Viewers>, hearts: Arc<Hearts>) -> Self {
        Self { database, viewers, hearts }
    }

    async fn kept(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, SqlError> {
        let mut totals: HashMap<BroadcastId, Total> = HashMap::new();
        for (broadcast, row) in audience_of_rows::read(&self.database, broadcasts).await? {
            totals.insert(broadcast, row.over());
        }
        // What is still in memory is younger than what is kept.
        for broadcast in broadcasts {
            if let Some(latest) = self.viewers.latest(*broadcast) {
                totals.entry(*broadcast).or_default().viewers = ViewerCounts { concurrent: 0, ..latest };
            }
        }
        Ok(totals)
    }
}

#[async_trait]
impl Audience for AudienceInMemory {
    async fn crowds(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let crowd = |id: BroadcastId| Total { viewers: self.viewers.counts(id), hearts: self.hearts.total(id) };
        Ok(broadcasts.iter().map(|id| (*id, crowd(*id))).collect())
    }

    async fn players(&self, broadcast: BroadcastId) -> Result<PlayerHealth, NeedError> {
        Ok(self.viewers.players(broadcast))
    }
}

#[async_trait]
impl Totals for AudienceInMemory {
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        self.kept(broadcasts).await.map_err(|error| NeedError(format!("the crowd's totals: {error}")))
    }
}
