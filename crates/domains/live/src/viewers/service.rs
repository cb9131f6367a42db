//! Taking beats, answering how many watch, and keeping it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use kernel::{AccountId, BroadcastId, Clock, Timestamp, caller::network, events::live::BroadcastState};
use ports::{
    gatherings::{MOVEMENTS_MAX, Movement, Present},
    sql::{Database, SqlError},
};

use super::{
    Beat, Error, Settings,
    attendance::{Attendance, BITRATE_MAX, Heard, STALLS_MAX, Unsaved},
    places::Places,
    store,
};
use crate::{
    group_store::Groups,
    needs::{PlayerHealth, Show, Shows, ViewerCounts},
    playbacks::{self, Sessions, needs::Players},
};

/// So far ahead of what is live a player may seem to be: its clock and ours, and what it had buffered.
const AHEAD_MAX_MS: i64 = 2_000;

/// The viewers of all shows of this process.
pub struct Viewers {
    clock: Arc<dyn Clock>,
    database: Database,
    settings: Settings,
    sessions: Arc<Sessions>,
    shows: Arc<dyn Shows>,
    places: Places,
    /// Other processes count the same shows.
    among_others: bool,
    audiences: RwLock<HashMap<BroadcastId, Arc<Mutex<Audience>>>>,
    // Opening reads the store; one at a time, so that a show is opened once.
    opening: tokio::sync::Mutex<()>,
    keeping: tokio::sync::Mutex<Keeping>,
    groups: Groups,
}

/// One show's attendance. Once closed it is no longer in the map, and a beat that still holds it looks again.
#[derive(Debug)]
struct Audience {
    attendance: Attendance,
    host: Option<AccountId>,
    /// The row of the present as it is in the store, or on its way there.
    told: Option<PlayerHealth>,
    closed: bool,
}

/// The group on its way to the store: what failed is tried again as it was, under its number.
#[derive(Debug, Default)]
struct Keeping {
    number: i64,
    group: Vec<OfShow>,
}

/// What is to be kept of one show, and the row of its present.
#[derive(Debug)]
struct OfShow {
    broadcast: BroadcastId,
    host: AccountId,
    unsaved: Unsaved,
    /// None while it is not known.
    present: Option<PlayerHealth>,
}

/// What this process has to say of a show.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Who was heard of.
    pub(crate) movements: Vec<Movement>,
    /// Players that were heard of here and are there.
    pub(crate) players: usize,
    /// Stalls of the last minute.
    pub(crate) stalls: u64,
}

impl std::fmt::Debug for Viewers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewers").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Viewers {
    /// The viewers as they were kept; `writer` names this process and is never used again. Of a process `among_others` the rest
    /// is what [`Self::say`] and [`Self::hear`] are for.
    #[expect(clippy::too_many_arguments, reason = "each is a different need, named where it is wired")]
    pub async fn open(
        clock: Arc<dyn Clock>,
        database: Database,
        writer: i64,
        settings: Settings,
        playback_settings: &playbacks::Settings,
        sessions: Arc<Sessions>,
        shows: Arc<dyn Shows>,
        among_others: bool,
    ) -> Result<Self, SqlError> {
        let groups = Groups::open(database.clone(), writer, "viewers", clock.now()).await?;
        let places = Places::new(playback_settings.players_per_address_max, settings.players_max);
        let viewers = Self {
            clock,
            database,
            settings,
            sessions,
            shows,
            places,
            among_others,
            audiences: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
            groups,
        };
        for broadcast in store::running(&viewers.database).await? {
            viewers.open_audience(broadcast).await?;
        }
        Ok(viewers)
    }

    /// Takes a beat: the body of `POST /api/v1/beats`, from a client at `address`.
    pub async fn beat(&self, body: &[u8], address: IpAddr) -> Result<(), Error> {
        let beat: Beat = serde_json::from_slice(body).map_err(|error| Error::InvalidBody(error.to_string()))?;
        if beat.stalls > STALLS_MAX {
            return Err(Error::InvalidBody(format!("stalls is {}, at most {STALLS_MAX} fit", beat.stalls)));
        }
        if beat.bitrate.is_some_and(|bitrate| bitrate > BITRATE_MAX) {
            return Err(Error::InvalidBody(format!("bitrate is more than {BITRATE_MAX} bits per second")));
        }
        let now = self.clock.now();
        let session = self.sessions.read(&beat.session, now)?;
        let Some(show) = self.shows.show(session.broadcast).await?.filter(has_viewers) else { return Ok(()) };
        loop {
            let audience = match self.audience(session.broadcast) {
                Some(audience) => audience,
                None => self.open_audience(session.broadcast).await?,
            };
            let mut audience = lock(&audience);
            if audience.closed {
                continue;
            }
            audience.host = Some(show.host);
            let limit = self.settings.players_per_broadcast_max;
            let heard = Heard {
                session: &session,
                beat: &beat,
                behind_live_ms: behind_live_ms(beat.position_ms, &show, now),
                address: network(address),
                at: now,
            };
            return audience.attendance.beat(&heard, limit, &self.places);
        }
    }

    /// How many watch; zeros for a show nobody has watched, and for one that is over.
    pub fn counts(&self, broadcast: BroadcastId) -> ViewerCounts {
        self.latest(broadcast).unwrap_or_default()
    }

    /// How many have watched, when that is still in memory: it is younger than what is kept.
    pub(crate) fn latest(&self, broadcast: BroadcastId) -> Option<ViewerCounts> {
        self.audience(broadcast).map(|audience| lock(&audience).attendance.counts(self.clock.now(), &self.places))
    }

    /// How the players are doing.
    pub fn players(&self, broadcast: BroadcastId) -> PlayerHealth {
        let Some(audience) = self.audience(broadcast) else { return PlayerHealth::default() };
        lock(&audience).attendance.health(self.clock.now(), &self.places)
    }

    /// The shows of which something is in memory.
    pub(crate) fn shows(&self) -> Vec<BroadcastId> {
        self.audiences.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// What the other processes are to be told of a show; see [`Attendance::say`].
    pub(crate) fn say(&self, broadcast: BroadcastId, begins: bool) -> Said {
        let Some(audience) = self.audience(broadcast) else { return Said::default() };
        let (mut audience, now) = (lock(&audience), self.clock.now());
        let now = audience.attendance.expire(now, &self.places);
        let movements = audience.attendance.say(begins, MOVEMENTS_MAX);
        Said { movements, players: audience.attendance.players(), stalls: audience.attendance.stalls(now) }
    }

    /// Takes in how it is with what was said, in which somebody moved or not.
    pub(crate) fn hear(&self, broadcast: BroadcastId, present: &Present, moved: bool) {
        if let Some(audience) = self.audience(broadcast) {
            lock(&audience).attendance.hear(present, moved, self.clock.now());
        }
    }

    /// Keeps what happened since the last time. What fails stays in memory and is tried again.
    pub async fn keep(&self) -> Result<(), SqlError> {
        let mut keeping = self.keeping.lock().await;
        if !keeping.group.is_empty() {
            self.write(&mut keeping).await?;
        }
        keeping.group = self.take_unsaved();
        if !keeping.group.is_empty() {
            keeping.number += 1;
            self.write(&mut keeping).await?;
        }
        Ok(())
    }

    fn take_unsaved(&self) -> Vec<OfShow> {
        let now = self.clock.now();
        let (mut group, mut concurrent) = (Vec::new(), 0);
        for (broadcast, audience) in self.all() {
            let mut audience = lock(&audience);
            // Also lets go of the addresses of players that nobody asks about.
            let here = audience.attendance.health(now, &self.places);
            let present = audience.attendance.of_all(here);
            if here.sessions > 0 {
                concurrent += present.unwrap_or(here).sessions;
            }
            let is_told = audience.attendance.is_saved() && (present.is_none() || audience.told == present);
            if let Some(host) = audience.host.filter(|_| !is_told) {
                audience.told = present;
                let unsaved = audience.attendance.take_unsaved();
                group.push(OfShow { broadcast, host, unsaved, present });
            }
        }
        metrics::gauge!("madang_viewers").set(concurrent as f64);
        // Hearts and viewers both add to the aggregates of several broadcasts: in one order, or PostgreSQL sees a deadlock.
        group.sort_by_key(|show| show.broadcast);
        group
    }

    async fn write(&self, keeping: &mut Keeping) -> Result<(), SqlError> {
        if let Some(mut tx) = self.groups.begin(keeping.number, self.clock.now()).await? {
            for OfShow { broadcast, host, unsaved, present } in &keeping.group {
                store::add(&mut tx, *broadcast, *host, unsaved, present.as_ref()).await?;
            }
            tx.commit().await?;
        }
        keeping.group.clear();
        Ok(())
    }

    /// Lets go of shows that are over and wholly kept.
    pub async fn close_shows_that_are_over(&self) -> Result<(), Error> {
        let mut over = Vec::new();
        for (broadcast, _) in self.all() {
            let show = self.shows.show(broadcast).await?;
            if show.is_none_or(|show| show.state == BroadcastState::Ended) {
                over.push(broadcast);
            }
        }
        if over.is_empty() {
            return Ok(());
        }
        let keeping = self.keeping.lock().await;
        over.retain(|broadcast| {
            let being_kept = keeping.group.iter().any(|kept| kept.broadcast == *broadcast);
            !being_kept && self.close_if_saved(*broadcast)
        });
        over.sort_unstable();
        Ok(store::close(&self.database, &over).await?)
    }

    fn close_if_saved(&self, broadcast: BroadcastId) -> bool {
        let mut audiences = self.audiences.write().unwrap_or_else(PoisonError::into_inner);
        let Some(audience) = audiences.get(&broadcast).cloned() else { return false };
        let mut audience = lock(&audience);
        audience.attendance.close(&self.places);
        if audience.attendance.is_saved() {
            audience.closed = true;
            audiences.remove(&broadcast);
        }
        audience.closed
    }

    fn audience(&self, broadcast: BroadcastId) -> Option<Arc<Mutex<Audience>>> {
        self.audiences.read().unwrap_or_else(PoisonError::into_inner).get(&broadcast).cloned()
    }

    fn all(&self) -> Vec<(BroadcastId, Arc<Mutex<Audience>>)> {
        let audiences = self.audiences.read().unwrap_or_else(PoisonError::into_inner);
        audiences.iter().map(|(broadcast, audience)| (*broadcast, audience.clone())).collect()
    }

    async fn open_audience(&self, broadcast: BroadcastId) -> Result<Arc<Mutex<Audience>>, SqlError> {
        let _opening = self.opening.lock().await;
        if let Some(audience) = self.audience(broadcast) {
            return Ok(audience);
        }
        let (seen, peak) = store::load(&self.database, broadcast).await?;
        let attendance = Attendance::restored(seen, peak);
        let attendance = if self.among_others { attendance.among_others() } else { attendance };
        let audience = Arc::new(Mutex::new(Audience { attendance, host: None, told: None, closed: false }));
        let mut audiences = self.audiences.write().unwrap_or_else(PoisonError::into_inner);
        audiences.insert(broadcast, audience.clone());
        Ok(audience)
    }
}

impl Players for Viewers {
    fn players_from(&self, address: IpAddr) -> u32 {
        self.places.taken_by(network(address))
    }
}

fn has_viewers(show: &Show) -> bool {
    matches!(show.state, BroadcastState::Live | BroadcastState::Paused)
}

fn lock(audience: &Mutex<Audience>) -> MutexGuard<'_, Audience> {
    audience.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far behind what is live a player at `position_ms` is; none while nothing is live, and for one that cannot be there.
fn behind_live_ms(position_ms: Option<i64>, show: &Show, now: Timestamp) -> Option<u64> {
    let start = show.timeline_start.filter(|_| show.state == BroadcastState::Live)?;
    let position_ms = position_ms.filter(|position| *position >= 0)?;
    let behind_ms = now.millis_since(start).saturating_sub(position_ms);
    (behind_ms >= -AHEAD_MAX_MS).then(|| behind_ms.max(0).unsigned_abs())
}
