//! The crowd's numbers for the feed and the lists, in processes that count no crowd: from the rows that its process writes.
//!
//! Promise: a row is at most as old as its process keeps it (half a second while there are beats) and [`FRESH_MS`] more.
//! A show that many ask for at once is read once for all of them; a page of shows is read anew.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel::{BroadcastId, Clock, Timestamp, recent::Recent};
use ports::sql::{Database, SqlError};

use crate::{
    asked::Asked,
    hearts,
    needs::{Audience, NeedError, PlayerHealth, Total, Totals, ViewerCounts},
    viewers,
};

/// How long a row that was read answers for its show, in milliseconds.
const FRESH_MS: i64 = 500;
/// Shows remembered at the most; those asked for longest ago are forgotten first.
const SHOWS_MAX: usize = 4_096;

/// What the rows say of one show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfShow {
    crowd: Total,
    players: PlayerHealth,
}

impl OfShow {
    /// What it came to, when the show is over.
    pub(super) fn over(self) -> Total {
        Total { viewers: ViewerCounts { concurrent: 0, ..self.crowd.viewers }, ..self.crowd }
    }
}

/// What the rows say; shows nobody has watched are left out.
pub(super) async fn read(
    database: &Database,
    broadcasts: &[BroadcastId],
) -> Result<HashMap<BroadcastId, OfShow>, SqlError> {
    let mut found: HashMap<BroadcastId, OfShow> = HashMap::new();
    for (broadcast, (viewers, players)) in viewers::present(database, broadcasts).await? {
        found.insert(broadcast, OfShow { crowd: Total { viewers, hearts: 0 }, players });
    }
    for (broadcast, hearts) in hearts::totals(database, broadcasts).await? {
        found.entry(broadcast).or_default().crowd.hearts = hearts;
    }
    Ok(found)
}

/// Answers [`Audience`] and [`Totals`] from rows.
pub struct AudienceOfRows {
    clock: Arc<dyn Clock>,
    database: Database,
    recent: Mutex<Recent<BroadcastId, (Option<OfShow>, Timestamp)>>,
    asked: Asked<BroadcastId, Result<Option<OfShow>, NeedError>>,
}

impl std::fmt::Debug for AudienceOfRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AudienceOfRows")
    }
}

impl AudienceOfRows {
    /// The numbers as `database` has them.
    pub fn new(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self { clock, database, recent: Mutex::new(Recent::new(SHOWS_MAX)), asked: Asked::new() }
    }

    async fn of_shows(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, OfShow>, NeedError> {
        if let [broadcast] = broadcasts {
            let row = self.of_show(*broadcast).await?;
            return Ok(row.map(|row| (*broadcast, row)).into_iter().collect());
        }
        read(&self.database, broadcasts).await.map_err(failed)
    }

    async fn of_show(&self, broadcast: BroadcastId) -> Result<Option<OfShow>, NeedError> {
        let now = self.clock.now();
        if let Some(row) = self.fresh(broadcast, now) {
            return Ok(row);
        }
        let look = || async {
            let row = read(&self.database, &[broadcast]).await.map_err(failed)?.remove(&broadcast);
            self.recent().insert(broadcast, (row, now));
            Ok(row)
        };
        self.asked.once(broadcast, look).await
    }

    fn fresh(&self, broadcast: BroadcastId, now: Timestamp) -> Option<Option<OfShow>> {
        let mut recent = self.recent();
        let (row, read_at) = recent.get(&broadcast)?;
        // A clock that was set back makes a row of unknown age.
        (0..FRESH_MS).contains(&now.millis_since(*read_at)).then_some(*row)
    }

    fn recent(&self) -> MutexGuard<'_, Recent<BroadcastId, (Option<OfShow>, Timestamp)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: SqlError) -> NeedError {
    NeedError(format!("the crowd's rows: {error}"))
}

#[async_trait]
impl Audience for AudienceOfRows {
    async fn crowds(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let rows = self.of_shows(broadcasts).await?.into_iter();
        Ok(rows.map(|(broadcast, row)| (broadcast, row.crowd)).collect())
    }

    async fn players(&self, broadcast: BroadcastId) -> Result<PlayerHealth, NeedError> {
        Ok(self.of_show(broadcast).await?.unwrap_or_default().players)
    }
}

#[async_trait]
impl Totals for AudienceOfRows {
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError> {
        let rows = self.of_shows(broadcasts).await?.into_iter();
        Ok(rows.map(|(broadcast, row)| (broadcast, row.over())).collect())
    }
}
