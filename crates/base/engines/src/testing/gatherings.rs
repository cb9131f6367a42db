//! Gatherings in memory, for tests of those who speak in them; they can be emptied, and be away.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use ports::gatherings::{
    GatheringError, Gatherings, LEASE_MS, LEFT_REMEMBERED_MS, Movement, Present, Told, UNKEPT_MS, Word,
};

/// Gatherings that the processes of a test share.
#[derive(Debug, Default)]
pub struct LocalGatherings {
    gatherings: Mutex<HashMap<String, Gathering>>,
    away: AtomicBool,
    words: AtomicU64,
}

#[derive(Debug, Default)]
struct Gathering {
    begun_ms: Option<i64>,
    kept: u64,
    said: HashMap<i64, Said>,
    here: HashMap<i64, i64>,
    gone: HashMap<i64, i64>,
}

#[derive(Debug, Clone, Copy)]
struct Said {
    at_ms: i64,
    unkept: u64,
    troubles: u64,
}

impl LocalGatherings {
    /// Forgets everything, as a server that was emptied.
    pub fn empty(&self) {
        self.gatherings.lock().expect("no test has failed with it").clear();
    }

    /// Whether it answers nothing from now on.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Words that were said so far.
    pub fn words(&self) -> u64 {
        self.words.load(Ordering::SeqCst)
    }

    /// How many gatherings there are.
    pub fn count(&self) -> usize {
        self.gatherings.lock().expect("no test has failed with it").len()
    }

    fn check(&self) -> Result<(), GatheringError> {
        if self.away.load(Ordering::SeqCst) { Err(GatheringError("away".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Gatherings for LocalGatherings {
    async fn say(&self, name: &str, writer: i64, word: &Word) -> Result<Told, GatheringError> {
        self.check()?;
        self.words.fetch_add(1, Ordering::SeqCst);
        let mut gatherings = self.gatherings.lock().expect("no test has failed with it");
        let is_known = gatherings.get(name).is_some_and(|gathering| gathering.said.contains_key(&writer));
        if !is_known && !word.begins {
            return Ok(Told::SayAll);
        }
        Ok(Told::Present(gatherings.entry(name.to_owned()).or_default().say(writer, word)))
    }

    async fn end(&self, name: &str) -> Result<(), GatheringError> {
        self.check()?;
        self.gatherings.lock().expect("no test has failed with it").remove(name);
        Ok(())
    }
}

impl Gathering {
    fn say(&mut self, writer: i64, word: &Word) -> Present {
        let now = word.at.as_millis();
        let begun_ms = *self.begun_ms.get_or_insert(now);
        self.kept = self.kept.max(word.kept);
        self.said.insert(writer, Said { at_ms: now, unkept: word.unkept, troubles: word.troubles });
        self.said.retain(|_, said| now - said.at_ms < LEASE_MS);
        self.here.retain(|_, at| now - *at < LEASE_MS);
        self.gone.retain(|_, at| now - *at < LEFT_REMEMBERED_MS);
        let (mut most, mut stayed_ms) = (self.here.len(), 0);
        for movement in &word.movements {
            stayed_ms += self.hear(movement, now);
            most = most.max(self.here.len());
        }
        let fresh = self.said.values().filter(|said| now - said.at_ms < UNKEPT_MS);
        Present {
            age_ms: (now - begun_ms).max(0),
            here: self.here.len() as u64,
            most: most as u64,
            stayed_ms: stayed_ms.unsigned_abs(),
            unkept: fresh.map(|said| said.unkept).sum(),
            kept: self.kept,
            troubles: self.said.values().map(|said| said.troubles).sum(),
        }
    }

    /// How long the member has stayed since it was heard of before.
    fn hear(&mut self, movement: &Movement, now: i64) -> i64 {
        let Movement { member, at, leaves } = *movement;
        let at = at.as_millis();
        let before = self.here.get(&member).copied();
        if leaves {
            self.here.remove(&member);
            self.gone.insert(member, at);
        } else if before.is_some() || now - at < LEASE_MS && !self.gone.contains_key(&member) {
            self.here.insert(member, before.unwrap_or(at).max(at));
        }
        before.map_or(0, |before| (at - before).max(0))
    }
}
