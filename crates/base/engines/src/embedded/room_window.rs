//! A room log in memory that keeps the latest entries of each room, and each for a while.
//!
//! Promise: that of [`ports::room_log`] for what it still keeps: offsets, order, groups, keys, redactions. An entry that has
//! left the window is gone, its keys with it, and reads begin behind it.
//!
//! Limits: 100,000 rooms and 256 MiB of entries; beyond, the rooms that were not used for longest lose their entries, and if
//! that is not enough their epoch.
//!
//! Lost when the process ends: everything. A room begins with another epoch then, by which its readers know.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kernel::{Clock, Timestamp};
use ports::room_log::{
    Appended, Entry, Head, Record, RoomLog, RoomLogError, check_group, check_lookup, check_read, check_room,
};

/// Rooms at the most.
const ROOMS_MAX: usize = 100_000;
/// Bytes of the entries of all rooms, at the most (about).
const BYTES_MAX: usize = 256 << 20;
/// After so many appends all rooms are looked through for entries that are too old.
const SWEEP_EVERY: u32 = 4_096;
const EPOCH_BYTES: usize = 8;

/// Rooms that keep their latest entries.
pub struct RoomWindow {
    entries_max: usize,
    ttl_ms: i64,
    clock: Arc<dyn Clock>,
    rooms: Mutex<Rooms>,
}

#[derive(Default)]
struct Rooms {
    by_name: HashMap<String, Room>,
    bytes: usize,
    appends: u32,
}

struct Room {
    epoch: String,
    next: u64,
    entries: VecDeque<Kept>,
    places: HashMap<String, u64>,
    bytes: usize,
    used_at: Timestamp,
}

struct Kept {
    record: Record,
    keys: Vec<String>,
    since: Timestamp,
}

impl RoomWindow {
    /// Keeps `entries_max` entries of each room, each for `ttl_ms` milliseconds.
    pub fn new(entries_max: usize, ttl_ms: i64, clock: Arc<dyn Clock>) -> Self {
        Self { entries_max, ttl_ms, clock, rooms: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has left the window goes, of one room.
    fn trim(&self, room: &mut Room, now: Timestamp) -> usize {
        let before = room.bytes;
        while let Some(first) = room.entries.front()
            && (room.entries.len() > self.entries_max || now.millis_since(first.since) >= self.ttl_ms)
        {
            room.drop_first();
        }
        before - room.bytes
    }

    /// With the room, when there is one, and nothing in it that has left the window.
    fn visit<T>(&self, name: &str, visit: impl FnOnce(&mut Room) -> T) -> Option<T> {
        let now = self.clock.now();
        let mut rooms = self.lock();
        let room = rooms.by_name.get_mut(name)?;
        let freed = self.trim(room, now);
        room.used_at = now;
        let outcome = visit(room);
        rooms.bytes -= freed;
        Some(outcome)
    }

    fn sweep(&self, rooms: &mut Rooms, now: Timestamp) {
        let freed: usize = rooms.by_name.values_mut().map(|room| self.trim(room, now)).sum();
        rooms.bytes -= freed;
    }
}

#[async_trait]
impl RoomLog for RoomWindow {
    async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        check_room(room)?;
        if let Some(head) = self.visit(room, |room| room.head()) {
            return Ok(head);
        }
        let begun = Room::new(self.clock.now())?;
        let mut rooms = self.lock();
        if rooms.by_name.len() >= ROOMS_MAX {
            rooms.forget_a_tenth();
        }
        // Of two that begin the same room, the first one's epoch stays.
        Ok(rooms.by_name.entry(room.to_owned()).or_insert(begun).head())
    }

    async fn append(
        &self,
        name: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError> {
        check_group(name, expected_next, &group)?;
        let now = self.clock.now();
        let mut guard = self.lock();
        let rooms = &mut *guard;
        let Some(room) = rooms.by_name.get_mut(name) else { return Ok(Appended::Conflict { next: 1 }) };
        if room.epoch != epoch || room.next != expected_next {
            return Ok(Appended::Conflict { next: room.next });
        }
        rooms.bytes -= self.trim(room, now);
        for key in group.iter().flat_map(|entry| &entry.keys) {
            if let Some(offset) = room.places.get(key) {
                return Ok(Appended::Known { key: key.clone(), offset: *offset });
            }
        }
        let before = room.bytes;
        group.into_iter().for_each(|entry| room.push(entry, now));
        rooms.bytes += room.bytes - before;
        rooms.bytes -= self.trim(room, now);
        room.used_at = now;
        rooms.appends = rooms.appends.wrapping_add(1);
        if rooms.appends.is_multiple_of(SWEEP_EVERY) || rooms.bytes > BYTES_MAX {
            self.sweep(rooms, now);
        }
        while rooms.bytes > BYTES_MAX && !rooms.by_name.is_empty() {
            rooms.forget_a_tenth();
        }
        Ok(Appended::Ok)
    }

    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        check_read(room, limit)?;
        Ok(self.visit(room, |room| room.read(from, limit)).unwrap_or_default())
    }

    async fn first(&self, room: &str) -> Result<u64, RoomLogError> {
        check_room(room)?;
        Ok(self.visit(room, |room| room.first()).unwrap_or(1))
    }

    async fn forget(&self, room: &str) -> Result<(), RoomLogError> {
        check_room(room)?;
        let mut guard = self.lock();
        let rooms = &mut *guard;
        if let Some(room) = rooms.by_name.get_mut(room) {
            rooms.bytes -= room.bytes;
            room.clear();
        }
        Ok(())
    }

    async fn offsets_of(&self, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        check_lookup(room, keys)?;
        let find = |room: &mut Room| keys.iter().map(|key| room.places.get(key).copied()).collect();
        Ok(self.visit(room, find).unwrap_or_else(|| vec![None; keys.len()]))
    }
}

impl Room {
    fn new(now: Timestamp) -> Result<Self, RoomLogError> {
        let mut random = [0; EPOCH_BYTES];
        getrandom::fill(&mut random).map_err(|error| RoomLogError::Engine(format!("no randomness: {error}")))?;
        let epoch = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { epoch, next: 1, entries: VecDeque::new(), places: HashMap::new(), bytes: 0, used_at: now })
    }

    fn head(&self) -> Head {
        Head { epoch: self.epoch.clone(), next: self.next }
    }

    fn first(&self) -> u64 {
        self.entries.front().map_or(self.next, |kept| kept.record.offset)
    }

    fn read(&self, from: u64, limit: usize) -> Vec<Record> {
        let skipped = from.saturating_sub(self.first()) as usize;
        self.entries.iter().skip(skipped).take(limit).map(|kept| kept.record.clone()).collect()
    }

    fn push(&mut self, entry: Entry, now: Timestamp) {
        let Entry { keys, at, data, redacts, about } = entry;
        let offset = self.next;
        if let Some(redaction) = redacts
            && let Some(place) = redaction.offset.checked_sub(self.first())
            && let Some(kept) = self.entries.get_mut(place as usize)
        {
            self.bytes = self.bytes - kept.record.data.len() + redaction.replacement.len();
            kept.record.data = redaction.replacement;
        }
        self.places.extend(keys.iter().map(|key| (key.clone(), offset)));
        let kept = Kept { record: Record { offset, at, data, about }, keys, since: now };
        self.bytes += kept.weight();
        self.entries.push_back(kept);
        self.next += 1;
    }

    fn drop_first(&mut self) {
        let Some(kept) = self.entries.pop_front() else { return };
        self.bytes -= kept.weight();
        for key in &kept.keys {
            self.places.remove(key);
        }
    }

    fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.places = HashMap::new();
        self.bytes = 0;
    }
}

impl Kept {
    fn weight(&self) -> usize {
        let keys: usize = self.keys.iter().map(|key| 64 + 2 * key.len()).sum();
        128 + keys + self.record.data.len() + self.record.about.as_ref().map_or(0, |about| about.size())
    }
}

impl Rooms {
    /// Forgets the tenth of the rooms that was not used for longest.
    fn forget_a_tenth(&mut self) {
        let mut by_use: Vec<(Timestamp, String)> =
            self.by_name.iter().map(|(name, room)| (room.used_at, name.clone())).collect();
        by_use.sort_unstable();
        for (_, name) in by_use.iter().take(by_use.len().div_ceil(10)) {
            self.bytes -= self.by_name.remove(name).map_or(0, |room| room.bytes);
        }
        tracing::warn!(rooms = by_use.len(), "the history in memory is at its limit; the rooms used least lose theirs");
    }
}

#[cfg(test)]
mod tests {
    use ports::contract::room_log::{self, Store};

    use super::*;
    use crate::{system::SystemClock, testing::ManualClock};

    struct OneProcess(Arc<RoomWindow>);

    #[async_trait]
    impl Store for OneProcess {
        async fn open(&self) -> Arc<dyn RoomLog> {
            self.0.clone()
        }
        async fn reopen(&self) -> Arc<dyn RoomLog> {
            self.0.clone()
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn keeps_the_contract_but_for_restarts() {
        let window = Arc::new(RoomWindow::new(100_000, i64::MAX, Arc::new(SystemClock)));
        room_log::run_without_restart(&OneProcess(window)).await;
    }

    fn entry(text: &str) -> Entry {
        let data = serde_json::to_vec(text).unwrap().into();
        Entry { keys: vec![text.to_owned()], at: Timestamp::from_millis(1), data, redacts: None, about: None }
    }

    async fn append(log: &RoomWindow, texts: &[&str]) {
        let head = log.head("room").await.unwrap();
        let group = texts.iter().map(|text| entry(text)).collect();
        assert_eq!(log.append("room", &head.epoch, head.next, group).await.unwrap(), Appended::Ok);
    }

    #[tokio::test]
    async fn what_leaves_the_window_is_gone_and_offsets_go_on() {
        let clock = Arc::new(ManualClock::at(0));
        let log = RoomWindow::new(3, 1_000, clock.clone());
        append(&log, &["a", "b"]).await;
        clock.advance(600);
        append(&log, &["c", "d"]).await;
        let offsets = |records: Vec<Record>| records.iter().map(|record| record.offset).collect::<Vec<_>>();
        assert_eq!(offsets(log.read("room", 1, 10).await.unwrap()), [2, 3, 4]);
        assert_eq!(offsets(log.read("room", 3, 1).await.unwrap()), [3]);
        assert_eq!(log.offsets_of("room", &["a".into(), "b".into()]).await.unwrap(), [None, Some(2)]);
        clock.advance(400);
        assert_eq!(log.first("room").await.unwrap(), 3, "b is too old");
        clock.advance(600);
        assert_eq!(offsets(log.read("room", 1, 10).await.unwrap()), [0_u64; 0]);
        let head = log.head("room").await.unwrap();
        assert_eq!((head.next, log.first("room").await.unwrap()), (5, 5));
        append(&log, &["a"]).await;
        assert_eq!(offsets(log.read("room", 1, 10).await.unwrap()), [5]);
        log.forget("room").await.unwrap();
        assert_eq!(log.read("room", 1, 10).await.unwrap(), []);
        assert_eq!(log.head("room").await.unwrap(), Head { next: 6, ..head });
        assert_eq!(log.lock().bytes, 0);
    }
}
