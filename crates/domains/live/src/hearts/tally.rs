//! The hearts of one broadcast in memory. Pure: no clock, no lock of its own, no store.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use kernel::{AccountId, BroadcastId, PlaybackId, Timestamp, rate::TooOften};

use super::{Batch, Error, HeartsAnswer, Settings, giver::Giver, sums::Counted};
use crate::playbacks::Rates;

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
        Self {
            accounts: Rates::new(settings.taps_per_viewer.clone()),
            addresses: Rates::new(settings.taps_per_address.clone()),
        }
    }
}

/// The hearts of one broadcast.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) broadcast: BroadcastId,
    /// Hearts that are kept, as this process knows it.
    pub(super) kept: u64,
    /// Hearts that are not kept yet, here or in a group on its way.
    coming: u64,
    /// Hearts that other processes have taken and not kept yet, as they said.
    elsewhere: u64,
    sessions: HashMap<PlaybackId, Player>,
    unsaved: Vec<Counted>,
}

#[derive(Debug)]
struct Player {
    last_seq: i64,
    /// Until when its own rate is spent, see [`kernel::Rate::spend`].
    spent_until_us: i64,
    last_at: Timestamp,
}

/// What the tally says when it must first be told the last kept number of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stranger;

impl Tally {
    pub(super) fn restored(broadcast: BroadcastId, kept: u64) -> Self {
        Self { broadcast, kept, coming: 0, elsewhere: 0, sessions: HashMap::new(), unsaved: Vec::new() }
    }

    /// Hearts so far, kept or not.
    pub(super) fn counted(&self) -> u64 {
        self.kept + self.coming + self.elsewhere
    }

    /// Hearts that are not kept yet, and those that are, as this process knows it.
    pub(super) fn given(&self) -> (u64, u64) {
        (self.coming, self.kept)
    }

    /// Takes in what other processes have taken and not kept yet, and how many are kept of all.
    pub(super) fn hear(&mut self, elsewhere: u64, kept: u64) {
        self.elsewhere = elsewhere;
        self.kept = self.kept.max(kept);
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
        let limit = settings.unsaved_batches_max;
        if self.unsaved.len() >= limit {
            return Ok(Err(Error::Full { setting: "unsaved_batches_max", limit }));
        }
        if let Err(error) = take_pace(player, giver.account, batch.taps.len(), address, settings, paces, now) {
            return Ok(Err(error));
        }
        player.last_seq = batch.seq;
        self.coming += batch.taps.len() as u64;
        self.unsaved.push(Counted::new(giver, batch, now));
        Ok(Ok(HeartsAnswer { total: self.counted(), duplicate: false }))
    }

    /// Takes out what is to be kept.
    pub(super) fn take_unsaved(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.unsaved)
    }

    /// Notes that `hearts` which were taken out are on their way no more, and how many are kept by now: those of another
    /// process among them, and not those that it had kept already.
    pub(super) fn settle(&mut self, hearts: u64, kept: u64) {
        self.kept = self.kept.max(kept);
        self.coming = self.coming.saturating_sub(hearts);
    }

    /// Whether everything is kept.
    pub(super) fn is_settled(&self) -> bool {
        self.coming == 0
    }

    /// Forgets sessions that have been idle. Nothing that was taken out may still be on its way.
    pub(super) fn forget_idle(&mut self, now: Timestamp) {
        let unsaved: HashSet<PlaybackId> = self.unsaved.iter().map(|batch| batch.playback).collect();
        self.sessions
            .retain(|playback, player| now.millis_since(player.last_at) < IDLE_MS || unsaved.contains(playback));
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
    let spent = settings.taps_per_session.get().spend(player.spent_until_us, taps, now);
    let spent_until_us = spent.map_err(too_fast("taps_per_session"))?;
    paces.accounts.take(account, taps, now).map_err(too_fast("taps_per_viewer"))?;
    if let Err(too_often) = paces.addresses.take(address, taps, now) {
        paces.accounts.give_back(account, taps);
        return Err(too_fast("taps_per_address")(too_often));
    }
    player.spent_until_us = spent_until_us;
    Ok(())
}
