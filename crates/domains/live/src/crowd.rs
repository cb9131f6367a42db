//! The crowd: playback sessions, viewers, hearts and reports, put together.
//!
//! Promise: none of its own; each part states its promise and what it may lose.

#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use kernel::{Clock, Random, Snowflake, random::RandomError};
use ports::{
    sql::{Database, Migration, SqlError},
    work::Schedule,
};
use rest::Direct;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    group_store,
    hearts::{self, Hearts, KeepHearts},
    needs::{Chats, Names, Shows},
    playbacks::{self, Playbacks, needs::Accounts},
    reports::{self, AudienceOf, Reports},
    viewers::{self, KeepViewers, Viewers},
};

/// Bytes of a batch of hearts, a beat, or a request for a session, at the most.
pub(crate) const BODY_BYTES: usize = 16 * 1024;

/// What a site may set about its crowds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Playback sessions.
    pub playbacks: playbacks::Settings,
    /// Viewers.
    pub viewers: viewers::Settings,
    /// Hearts.
    pub hearts: hearts::Settings,
}

/// What the crowd wants of others.
pub struct Needs {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Bytes nobody can guess.
    pub random: Arc<dyn Random>,
    /// Ids of this process.
    pub ids: Arc<Snowflake>,
    /// Where counts are kept; it has [`migrations`].
    pub database: Database,
    /// Knows broadcasts.
    pub shows: Arc<dyn Shows>,
    /// Knows accounts by name.
    pub names: Arc<dyn Names>,
    /// Knows what is said.
    pub chats: Arc<dyn Chats>,
    /// Knows who is signed in.
    pub accounts: Arc<dyn Accounts>,
}

impl std::fmt::Debug for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needs")
    }
}

/// The crowd of all shows of this process.
pub struct Crowd {
    /// Issues sessions.
    pub playbacks: Arc<Playbacks>,
    /// Takes beats.
    pub viewers: Arc<Viewers>,
    /// Takes hearts.
    pub hearts: Arc<Hearts>,
    /// Makes reports.
    pub reports: Arc<Reports>,
    /// The numbers for the feed and the lists.
    pub audience: Arc<AudienceOf>,
    names: Arc<dyn Names>,
}

impl std::fmt::Debug for Crowd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Crowd")
    }
}

/// Why there is no crowd.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database could not answer.
    #[error("the crowd: {0}")]
    Sql(#[from] SqlError),
    /// No secret could be made up.
    #[error("the crowd: {0}")]
    Random(#[from] RandomError),
}

/// The tables of the crowd.
pub fn migrations() -> Vec<Migration> {
    let slices =
        [playbacks::MIGRATIONS, group_store::MIGRATIONS, reports::MIGRATIONS, viewers::MIGRATIONS, hearts::MIGRATIONS];
    slices.concat()
}

impl Crowd {
    /// The crowd as it was kept.
    pub async fn open(needs: Needs, settings: Settings) -> Result<Self, OpenError> {
        let Needs { clock, random, ids, database, shows, names, chats, accounts } = needs;
        let now = clock.now();
        // Random rather than counted or timed: a clock that was set back must not name this process like an earlier one.
        let mut writer = [0; 8];
        random.fill(&mut writer)?;
        let writer = i64::from_be_bytes(writer);
        let sessions = Arc::new(playbacks::open_sessions(&database, &*random, now).await?);
        let viewers = Viewers::open(
            clock.clone(),
            database.clone(),
            writer,
            settings.viewers,
            &settings.playbacks,
            sessions.clone(),
            shows.clone(),
        );
        let viewers = Arc::new(viewers.await?);
        let hearts =
            Hearts::open(clock.clone(), database.clone(), writer, settings.hearts, sessions.clone(), shows.clone());
        let hearts = Arc::new(hearts.await?);
        let playbacks = Arc::new(Playbacks::new(
            clock.clone(),
            random,
            ids,
            sessions,
            settings.playbacks,
            shows.clone(),
            accounts,
            viewers.clone(),
        ));
        let reports = Arc::new(Reports::new(clock, database.clone(), shows, names.clone(), chats));
        let audience = Arc::new(AudienceOf::new(database, viewers.clone(), hearts.clone()));
        Ok(Self { playbacks, viewers, hearts, reports, audience, names })
    }

    /// Routes without account: sessions, beats, hearts. They want [`rest::ClientAddress`] in the request and nothing else.
    pub fn lean_router(&self) -> OpenApiRouter {
        playbacks::router(self.playbacks.clone())
            .merge(viewers::router(self.viewers.clone()))
            .merge(hearts::lean_router(self.hearts.clone()))
            .layer(DefaultBodyLimit::max(BODY_BYTES))
    }

    /// Those of the lean routes that players ask for again and again.
    pub fn direct(&self) -> Vec<Arc<dyn Direct>> {
        vec![self.hearts.clone(), self.viewers.clone()]
    }

    /// The other routes: the hearts of a broadcast, and reports.
    pub fn router(&self) -> OpenApiRouter {
        hearts::router(self.hearts.clone(), self.names.clone()).merge(reports::router(self.reports.clone()))
    }

    /// What keeps the counts; the last run of each is at shutdown.
    pub fn schedules(&self) -> Vec<Arc<dyn Schedule>> {
        vec![Arc::new(KeepHearts(self.hearts.clone())), Arc::new(KeepViewers(self.viewers.clone()))]
    }
}
