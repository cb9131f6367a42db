//! The crowd: playback sessions, viewers, hearts and reports, put together.
//!
//! Promise: none of its own; each part states its promise and what it may lose.

#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use kernel::{Clock, Random, Snowflake, random::RandomError};
use ports::{
    gatherings::Gatherings,
    sql::{Database, Migration, SqlError},
    work::Schedule,
};
use rest::Direct;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    group_store,
    hearts::{self, Hearts, KeepHearts, KeptHearts},
    needs::{Audience, Chats, Names, Shows, Totals},
    playbacks::{
        self, Playbacks, Sessions,
        needs::{Accounts, Players},
    },
    reports::{self, AudienceInMemory, AudienceOfRows, Reports},
    together::Together,
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
    /// Where several processes count the same crowd.
    pub gatherings: Option<Arc<dyn Gatherings>>,
}

impl std::fmt::Debug for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needs")
    }
}

/// The crowd of all shows, as a process has it or knows it.
///
/// | | a process that counts the crowd ([`Crowd::open`]) | any other ([`Crowd::of_rows`]) |
/// |---|---|---|
/// | beats and hearts | taken, over HTTP ([`Crowd::lean_router`], [`Crowd::direct`]) and realtime connections | not taken |
/// | sessions | issued, while the address has players left | issued; its first beat is asked about players |
/// | audience, totals | from memory; from rows where others count, too | from the rows that those write |
/// | hearts of a broadcast, reports | the same | the same |
/// | schedules | keep what is in memory | none |
pub struct Crowd {
    /// Issues sessions.
    pub playbacks: Arc<Playbacks>,
    /// Tells the hearts that are kept.
    pub kept_hearts: Arc<KeptHearts>,
    /// Makes reports.
    pub reports: Arc<Reports>,
    /// The numbers of running shows for the feed and the lists.
    pub audience: Arc<dyn Audience>,
    /// The numbers of shows that are over.
    pub totals: Arc<dyn Totals>,
    /// What counts the crowd, in the process that has it.
    pub counting: Option<Counting>,
    names: Arc<dyn Names>,
}

/// What counts the crowd.
#[derive(Debug, Clone)]
pub struct Counting {
    /// Takes beats.
    pub viewers: Arc<Viewers>,
    /// Takes hearts.
    pub hearts: Arc<Hearts>,
    together: Option<Arc<Together>>,
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
    /// The crowd as it was kept, in a process that counts it.
    pub async fn open(needs: Needs, settings: Settings) -> Result<Self, OpenError> {
        let sessions = open_sessions(&needs).await?;
        let counting = Counting::open(&needs, &settings, &sessions).await?;
        let Counting { viewers, hearts, together } = counting.clone();
        let (audience, totals): (Arc<dyn Audience>, Arc<dyn Totals>) = if together.is_some() {
            audience_of_rows(&needs)
        } else {
            let audience = Arc::new(AudienceInMemory::new(needs.database.clone(), viewers, hearts));
            (audience.clone(), audience)
        };
        Ok(Self::put_together(needs, settings, sessions, audience, totals, Some(counting)))
    }

    /// The crowd that other processes count, as its rows tell it.
    pub async fn of_rows(needs: Needs, settings: Settings) -> Result<Self, OpenError> {
        let sessions = open_sessions(&needs).await?;
        let (audience, totals) = audience_of_rows(&needs);
        Ok(Self::put_together(needs, settings, sessions, audience, totals, None))
    }

    fn put_together(
        needs: Needs,
        settings: Settings,
        sessions: Arc<Sessions>,
        audience: Arc<dyn Audience>,
        totals: Arc<dyn Totals>,
        counting: Option<Counting>,
    ) -> Self {
        let Needs { clock, random, ids, database, shows, names, chats, accounts, gatherings: _ } = needs;
        let players = counting.as_ref().map(|counting| counting.viewers.clone() as Arc<dyn Players>);
        let playbacks =
            Playbacks::new(clock.clone(), random, ids, sessions, settings.playbacks, shows.clone(), accounts, players);
        Self {
            playbacks: Arc::new(playbacks),
            kept_hearts: Arc::new(KeptHearts::new(database.clone(), shows.clone())),
            reports: Arc::new(Reports::new(clock, database, shows, names.clone(), chats)),
            audience,
            totals,
            counting,
            names,
        }
    }

    /// Routes without account: sessions, and beats and hearts where they are taken. They want [`rest::ClientAddress`] in the
    /// request and nothing else.
    pub fn lean_router(&self) -> OpenApiRouter {
        let mut router = playbacks::router(self.playbacks.clone());
        if let Some(Counting { viewers, hearts, .. }) = &self.counting {
            router = router.merge(viewers::router(viewers.clone())).merge(hearts::lean_router(hearts.clone()));
        }
        router.layer(DefaultBodyLimit::max(BODY_BYTES))
    }

    /// Those of the lean routes that players ask for again and again.
    pub fn direct(&self) -> Vec<Arc<dyn Direct>> {
        let Some(Counting { viewers, hearts, .. }) = &self.counting else { return Vec::new() };
        vec![hearts.clone(), viewers.clone()]
    }

    /// The other routes: the hearts of a broadcast, and reports.
    pub fn router(&self) -> OpenApiRouter {
        hearts::router(self.kept_hearts.clone(), self.names.clone()).merge(reports::router(self.reports.clone()))
    }

    /// What keeps the counts; the last run of each is at shutdown.
    pub fn schedules(&self) -> Vec<Arc<dyn Schedule>> {
        let Some(Counting { viewers, hearts, together }) = &self.counting else { return Vec::new() };
        let mut schedules: Vec<Arc<dyn Schedule>> =
            vec![Arc::new(KeepHearts(hearts.clone())), Arc::new(KeepViewers(viewers.clone()))];
        schedules.extend(together.clone().map(|together| together as Arc<dyn Schedule>));
        schedules
    }
}

impl Counting {
    async fn open(needs: &Needs, settings: &Settings, sessions: &Arc<Sessions>) -> Result<Self, OpenError> {
        let Needs { clock, database, shows, .. } = needs;
        // Random rather than counted or timed: a clock that was set back must not name this process like an earlier one.
        let mut writer = [0; 8];
        needs.random.fill(&mut writer)?;
        let writer = i64::from_be_bytes(writer);
        let viewers = Viewers::open(
            clock.clone(),
            database.clone(),
            writer,
            settings.viewers.clone(),
            &settings.playbacks,
            sessions.clone(),
            shows.clone(),
            needs.gatherings.is_some(),
        );
        let viewers = Arc::new(viewers.await?);
        let settings = settings.hearts.clone();
        let hearts =
            Hearts::open(clock.clone(), database.clone(), writer, settings, sessions.clone(), shows.clone()).await?;
        let hearts = Arc::new(hearts);
        let together = needs.gatherings.clone().map(|gatherings| {
            Arc::new(Together::new(clock.clone(), gatherings, writer, viewers.clone(), hearts.clone()))
        });
        Ok(Self { viewers, hearts, together })
    }
}

fn audience_of_rows(needs: &Needs) -> (Arc<dyn Audience>, Arc<dyn Totals>) {
    let audience = Arc::new(AudienceOfRows::new(needs.clock.clone(), needs.database.clone()));
    (audience.clone(), audience)
}

async fn open_sessions(needs: &Needs) -> Result<Arc<Sessions>, OpenError> {
    Ok(Arc::new(playbacks::open_sessions(&needs.database, &*needs.random, needs.clock.now()).await?))
}
