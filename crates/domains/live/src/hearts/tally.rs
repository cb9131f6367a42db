//! The hearts of one broadcast in memory. Pure: no clock, no lock of its own, no store.

use std::{collections::HashMap, net::IpAddr};

use kernel::{AccountId, BroadcastId, PlaybackId, Timestamp, rate::TooOften};

use super::{Batch, Error, HeartsAnswer, Settings, giver::Giver};
use crate::{
    playbacks::Rates,
    reports::{Moment, Moments, Resolution},
};

/// The timeline is counted in steps of five seconds.
pub(super) const TIMELINE_STEP_MS: i64 = 5_000;
/// A session that has not tapped for so long leaves the memory; its last number is read again when it comes back.
const IDLE_MS: i64 = 600_000;

/// The limits that hold over all broadcasts.
#[derive(Debug)]
pub(super) struct Paces {
    accounts: Rates<AccountId>,
    addresses: Rates<IpAddr>,
}

impl Paces {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { accounts: Rates::new(settings.taps_per_viewer), addresses: Rates::new(settings.taps_per_address) }
    }
}

/// The hearts of one broadcast.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) broadcast: BroadcastId,
    /// Hearts that are kept.
    pub(super) kept: u64,
    /// Hearts that are not kept yet, here or in a group on its way.
    coming: u64,
    sessions: HashMap<PlaybackId, Player>,
    unsaved: Unsaved,
}

#[derive(Debug)]
struct Player {
    last_seq: i64,
    /// Until when its own rate is spent, see [`kernel::Rate::spend`].
    spent_until_us: i64,
    last_at: Timestamp,
}

/// What came since hearts were last kept.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) hearts: u64,
    pub(super) fans: HashMap<AccountId, u64>,
    pub(super) timeline: HashMap<i64, u64>,
    /// The last number of each session, and when the session expires.
    pub(super) sessions: HashMap<PlaybackId, (i64, Timestamp)>,
    pub(super) moments: Moments,
}

/// What the tally says when it must first be told the last kept number of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stranger;

impl Tally {
    pub(super) fn restored(broadcast: BroadcastId, kept: u64) -> Self {
        Self { broadcast, kept, coming: 0, sessions: HashMap::new(), unsaved: Unsaved::default() }
    }

    /// Hearts so far, kept or not.
    pub(super) fn counted(&self) -> u64 {
        self.kept + self.coming
    }

    /// Makes a session known that was last seen with the batch `last_seq`, or never.
    pub(super) fn introduce(
        &mut self,
        playback: PlaybackId,
        last_seq: Option<i64>,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), Error> {
        let limit = settings.sessions_per_broadcast_max;
        if self.sessions.len() >= limit {
            return Err(Error::Full { setting: "sessions_per_broadcast_max", limit });
        }
        let player = Player { last_seq: last_seq.unwrap_or(-1), spent_until_us: 0, last_at: now };
        self.sessions.entry(playback).or_insert(player);
        Ok(())
    }

    /// Counts a batch whose positions have been found possible.
    pub(super) fn count(
        &mut self,
        giver: &Giver,
        batch: &Batch<'_>,
        address: IpAddr,
        settings: &Settings,
        paces: &Paces,
        now: Timestamp,
    ) -> Result<Result<HeartsAnswer, Error>, Stranger> {
        let session = &giver.session;
        let player = self.sessions.get_mut(&session.playback).ok_or(Stranger)?;
        player.last_at = now;
        if batch.seq == player.last_seq {
            return Ok(Ok(HeartsAnswer { total: self.counted(), duplicate: true }));
        }
        if batch.seq < player.last_seq {
            return Ok(Err(Error::Replayed { seq: batch.seq, last: player.last_seq }));
        }
        let limit = settings.unsaved_sessions_max;
        if self.unsaved.sessions.len() >= limit && !self.unsaved.sessions.contains_key(&session.playback) {
            return Ok(Err(Error::Full { setting: "unsaved_sessions_max", limit }));
        }
        if let Err(error) = take_pace(player, giver.account, batch.taps.len(), address, settings, paces, now) {
            return Ok(Err(error));
        }
        player.last_seq = batch.seq;
        self.coming += batch.taps.len() as u64;
        self.unsaved.add(giver, batch, now);
        Ok(Ok(HeartsAnswer { total: self.counted(), duplicate: false }))
    }

    /// Takes out what is to be kept, if there is anything.
    pub(super) fn take_unsaved(&mut self) -> Option<Unsaved> {
        (self.unsaved.hearts > 0).then(|| std::mem::take(&mut self.unsaved))
    }

    /// Notes that hearts are kept which were taken out.
    pub(super) fn settle(&mut self, hearts: u64) {
        self.kept += hearts;
        self.coming = self.coming.saturating_sub(hearts);
    }

    /// Whether everything is kept.
    pub(super) fn is_settled(&self) -> bool {
        self.coming == 0
    }

    /// Forgets sessions that have been idle. Nothing that was taken out may still be on its way.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        let unsaved = &self.unsaved.sessions;
        self.sessions
            .retain(|playback, player| now.millis_since(player.last_at) < IDLE_MS || unsaved.contains_key(playback));
    }
}

/// Counts the taps towards all three rates, or towards none.
fn take_pace(
    player: &mut Player,
    account: AccountId,
    taps: usize,
    address: IpAddr,
    settings: &Settings,
    paces: &Paces,
    now: Timestamp,
) -> Result<(), Error> {
    let too_fast = |setting| move |too_often: TooOften| Error::TooFast { setting, too_often };
    let taps = u32::try_from(taps).unwrap_or(u32::MAX);
    let spent = settings.taps_per_session.spend(player.spent_until_us, taps, now);
    let spent_until_us = spent.map_err(too_fast("taps_per_session"))?;
    paces.accounts.take(account, taps, now).map_err(too_fast("taps_per_viewer"))?;
    if let Err(too_often) = paces.addresses.take(address, taps, now) {
        paces.accounts.give_back(account, taps);
        return Err(too_fast("taps_per_address")(too_often));
    }
    player.spent_until_us = spent_until_us;
    Ok(())
}

impl Unsaved {
    fn add(&mut self, giver: &Giver, batch: &Batch<'_>, now: Timestamp) {
        let hearts = batch.taps.len() as u64;
        self.hearts += hearts;
        *self.fans.entry(giver.account).or_default() += hearts;
        for position in &batch.taps {
            *self.timeline.entry(position - position.rem_euclid(TIMELINE_STEP_MS)).or_default() += 1;
        }
        let session = &giver.session;
        self.sessions.insert(session.playback, (batch.seq, session.expires_at));
        let moment = self.moments.entry(Resolution::HalfMinute.start_of(now)).or_default();
        moment.add(Moment { hearts, ..Moment::default() });
    }
}
