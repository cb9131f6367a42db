//! Who watches one show: leases, unique viewers, peak and watch time. Pure: no clock, no lock, no store.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    net::IpAddr,
};

use kernel::{PlaybackId, Timestamp};
use ports::gatherings::{Movement, Present};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, places::Places, shared::Shared, stalls::RecentStalls};
use crate::{
    needs::{PlayerHealth, ViewerCounts},
    playbacks::{Session, Viewer},
    reports::{Moment, Moments, Resolution},
};

/// How long a beat keeps its session counted, in milliseconds: two beats and a little. `LEFT_REMEMBERED_MS`: how long a session
/// that has left is remembered. They are those of gatherings, so that each process agrees with all of them together.
pub(super) use ports::gatherings::{LEASE_MS, LEFT_REMEMBERED_MS};

/// Sessions remembered as left at the most; beyond that the oldest are forgotten.
const LEFT_MAX: usize = 200_000;
/// Players whose words make a median of the health, at the most: so many of them say what all of them would.
const MEDIAN_OF: usize = 1_000;
/// Different viewers remembered of one show at the most; those beyond are no longer counted as unique.
const UNIQUE_MAX: usize = 10_000_000;

/// What a player says every five seconds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Beat {
    /// The session, as it was issued.
    pub session: String,
    /// Where the player is on the broadcast's timeline, in milliseconds; left out before it has begun to play. One that
    /// cannot be is left out of the health of the players.
    #[serde(default)]
    pub position_ms: Option<i64>,
    /// The player goes away for good.
    #[serde(default)]
    pub leaving: bool,
    /// How often it stalled since its last beat.
    #[serde(default)]
    #[schema(maximum = 1000)]
    pub stalls: u32,
    /// Bits per second it sees.
    #[serde(default)]
    pub bitrate: Option<u64>,
}

/// Stalls one beat may tell of.
pub(super) const STALLS_MAX: u32 = 1_000;
/// Bits per second a player may claim to see.
pub(super) const BITRATE_MAX: u64 = 10_000_000_000;

/// A beat as it was heard.
pub(super) struct Heard<'a> {
    pub(super) session: &'a Session,
    pub(super) beat: &'a Beat,
    /// How far behind what is live its player is, when that is known.
    pub(super) behind_live_ms: Option<u64>,
    pub(super) address: IpAddr,
    pub(super) at: Timestamp,
}

/// Who watches one show.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    players: HashMap<PlaybackId, Player>,
    // The same players by the end of their lease, so that those whose lease ran out are found first.
    leases: BTreeSet<(Timestamp, PlaybackId)>,
    left: HashSet<PlaybackId>,
    left_in_order: VecDeque<(Timestamp, PlaybackId)>,
    seen: HashSet<Viewer>,
    peak: u64,
    stalls: RecentStalls,
    // The clock may be set back; a lease never is.
    latest: Timestamp,
    unsaved: Unsaved,
    /// Where other processes count the same show: what they are told, and what all of them have together.
    shared: Option<Shared>,
}

#[derive(Debug)]
struct Player {
    until: Timestamp,
    last_beat: Timestamp,
    address: IpAddr,
    bitrate: Option<u64>,
    behind_live_ms: Option<u64>,
}

/// What happened since it was last kept.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) viewers: Vec<Viewer>,
    pub(super) peak: u64,
    pub(super) watch_time_ms: u64,
    pub(super) moments: Moments,
    /// Somebody was heard of, so what is told of the present has to stay fresh.
    heard: bool,
}

impl Unsaved {
    pub(super) fn is_empty(&self) -> bool {
        !self.heard && self.moments.is_empty() && self.viewers.is_empty()
    }
}

impl Attendance {
    /// As it was kept: the viewers seen so far and the peak. Nobody watches yet.
    pub(super) fn restored(seen: HashSet<Viewer>, peak: u64) -> Self {
        Self { seen, peak, ..Self::default() }
    }

    /// The same, where other processes count the same show.
    pub(super) fn among_others(self) -> Self {
        Self { shared: Some(Shared::default()), ..self }
    }

    /// Takes a beat; a new session needs one of at most `players_max` and one of the `places`.
    pub(super) fn beat(&mut self, heard: &Heard<'_>, players_max: u32, places: &Places) -> Result<(), Error> {
        let Heard { session, beat, at, .. } = *heard;
        let now = self.expire(at, places);
        if self.left.contains(&session.playback) {
            return if beat.leaving { Ok(()) } else { Err(Error::Left) };
        }
        if beat.leaving {
            self.leave(session.playback, now, places);
        } else {
            self.renew(heard, now, players_max, places)?;
        }
        self.stalls.add(beat.stalls.min(STALLS_MAX), now);
        Ok(())
    }

    fn renew(&mut self, heard: &Heard<'_>, now: Timestamp, players_max: u32, places: &Places) -> Result<(), Error> {
        let Heard { session, beat, behind_live_ms, address, .. } = *heard;
        let until = now.plus_millis(LEASE_MS);
        let mut watched_ms = 0;
        if let Some(player) = self.players.get_mut(&session.playback) {
            watched_ms = now.millis_since(player.last_beat).unsigned_abs();
            self.leases.remove(&(player.until, session.playback));
            player.until = until;
            player.last_beat = now;
            player.bitrate = beat.bitrate.or(player.bitrate);
            player.behind_live_ms = behind_live_ms;
        } else {
            if self.players.len() >= players_max as usize {
                return Err(Error::TooManyPlayers { setting: "players_per_broadcast_max", limit: players_max });
            }
            places.enter(address)?;
            let player = Player { until, last_beat: now, address, bitrate: beat.bitrate, behind_live_ms };
            self.players.insert(session.playback, player);
        }
        self.leases.insert((until, session.playback));
        self.tell(session.playback, now, false);
        if self.seen.len() < UNIQUE_MAX && self.seen.insert(session.viewer) {
            self.unsaved.viewers.push(session.viewer);
        }
        self.note_own(watched_ms, now);
        Ok(())
    }

    fn leave(&mut self, playback: PlaybackId, now: Timestamp, places: &Places) {
        if let Some(player) = self.players.remove(&playback) {
            self.leases.remove(&(player.until, playback));
            places.leave(player.address);
            self.note_own(now.millis_since(player.last_beat).unsigned_abs(), now);
        }
        self.tell(playback, now, true);
        if self.left.len() >= LEFT_MAX {
            self.forget_oldest_left();
        }
        self.left.insert(playback);
        self.left_in_order.push_back((now, playback));
    }

    fn tell(&mut self, playback: PlaybackId, at: Timestamp, leaves: bool) {
        if let Some(shared) = &mut self.shared {
            shared.unsaid.push(Movement { member: playback.raw(), at, leaves });
        }
    }

    /// Notes what happened here. Where other processes count the same show, all of them together know how long a player
    /// watched and how many there were.
    fn note_own(&mut self, watched_ms: u64, now: Timestamp) {
        self.unsaved.heard = true;
        if self.shared.is_none() {
            self.note(self.players.len() as u64, watched_ms, now);
        }
    }

    fn note(&mut self, concurrent: u64, watched_ms: u64, now: Timestamp) {
        self.peak = self.peak.max(concurrent);
        self.unsaved.peak = self.peak;
        self.unsaved.watch_time_ms += watched_ms;
        let moment = self.unsaved.moments.entry(Resolution::HalfMinute.start_of(now)).or_default();
        moment.add(Moment { concurrent, watch_time_ms: watched_ms, hearts: 0 });
    }

    /// What the other processes are to be told: the movements since the last time or, when that `begins`, all that is known;
    /// at most so many, the rest the next time.
    pub(super) fn say(&mut self, begins: bool, movements_max: usize) -> Vec<Movement> {
        let Some(shared) = &mut self.shared else { return Vec::new() };
        if begins {
            let left = self.left_in_order.iter().map(|(at, playback)| (*playback, *at, true));
            let here = self.players.iter().map(|(playback, player)| (*playback, player.last_beat, false));
            let all = left.chain(here).map(|(playback, at, leaves)| Movement { member: playback.raw(), at, leaves });
            shared.unsaid = all.collect();
        }
        shared.unsaid.drain(..movements_max.min(shared.unsaid.len())).collect()
    }

    /// Takes in how it is with what was said, in which somebody moved or not.
    pub(super) fn hear(&mut self, present: &Present, moved: bool, now: Timestamp) {
        let Some(shared) = &mut self.shared else { return };
        shared.hear(present);
        if moved {
            self.note(present.most, present.stayed_ms, now);
        }
    }

    /// Lets go of players whose lease has run out, and returns the moment it is for this show.
    pub(super) fn expire(&mut self, now: Timestamp, places: &Places) -> Timestamp {
        let now = self.latest.max(now);
        self.latest = now;
        while let Some((until, playback)) = self.leases.first().copied().filter(|(until, _)| *until <= now) {
            self.leases.remove(&(until, playback));
            if let Some(player) = self.players.remove(&playback) {
                places.leave(player.address);
            }
        }
        while self.left_in_order.front().is_some_and(|(at, _)| now.millis_since(*at) >= LEFT_REMEMBERED_MS) {
            self.forget_oldest_left();
        }
        now
    }

    fn forget_oldest_left(&mut self) {
        if let Some((_, playback)) = self.left_in_order.pop_front() {
            self.left.remove(&playback);
        }
    }

    /// Lets everybody go: the show is over.
    pub(super) fn close(&mut self, places: &Places) {
        self.players.drain().for_each(|(_, player)| places.leave(player.address));
        self.leases.clear();
    }

    /// How many watch at `now`.
    pub(super) fn counts(&mut self, now: Timestamp, places: &Places) -> ViewerCounts {
        self.expire(now, places);
        ViewerCounts { concurrent: self.players.len() as u64, unique: self.seen.len() as u64, peak: self.peak }
    }

    /// How the players are doing at `now`.
    pub(super) fn health(&mut self, now: Timestamp, places: &Places) -> PlayerHealth {
        let now = self.expire(now, places);
        let bitrate_bps = median(self.players.values().filter_map(|player| player.bitrate));
        let behind_live_ms = median(self.players.values().filter_map(|player| player.behind_live_ms));
        let stalls_per_minute = self.stalls.in_last_minute(now) as f64;
        PlayerHealth { sessions: self.players.len() as u64, stalls_per_minute, bitrate_bps, behind_live_ms }
    }

    /// How the players of all processes are doing, when those of this one are doing like this; none while that is not known.
    pub(super) fn of_all(&self, health: PlayerHealth) -> Option<PlayerHealth> {
        self.shared.as_ref().map_or(Some(health), |shared| shared.of_all(health))
    }

    /// Players that were heard of here.
    pub(super) fn players(&self) -> usize {
        self.players.len()
    }

    /// Stalls of the last minute that were heard of here.
    pub(super) fn stalls(&self, now: Timestamp) -> u64 {
        self.stalls.in_last_minute(now)
    }

    /// Takes out what is to be kept.
    pub(super) fn take_unsaved(&mut self) -> Unsaved {
        std::mem::take(&mut self.unsaved)
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_saved(&self) -> bool {
        self.unsaved.is_empty()
    }
}

/// The median of [`MEDIAN_OF`] of them; a map has its players in no order, so any first ones do.
fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.take(MEDIAN_OF).collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable(middle).1)
}
