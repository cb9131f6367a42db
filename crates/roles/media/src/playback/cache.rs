//! Files that are no longer in a window's memory, kept while they are asked for, up to a number of bytes.
//!
//! Many who ask for one file that is not here cause one read.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use kernel::BroadcastId;
use tokio::sync::OnceCell;

use crate::packager::SegmentName;

/// What can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cached {
    Segment(SegmentName),
    /// A part of a segment that another process packages.
    Part(SegmentName, usize),
    Init(SegmentName),
    /// A replay's playlists, as they were in a stretch of time.
    Multivariant(i64),
    Media(i64),
    Thumbnail,
}

type Key = (BroadcastId, Cached);

#[derive(Debug)]
struct Entry {
    file: Arc<OnceCell<Bytes>>,
    used: u64,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: HashMap<Key, Entry>,
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

/// A cache of files, the least recently used leaving first.
#[derive(Debug)]
pub(crate) struct ByteCache {
    bytes_max: usize,
    shelf: Mutex<Shelf>,
}

impl ByteCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, shelf: Mutex::default() }
    }

    /// The file, if it is here.
    pub(crate) fn peek(&self, key: Key) -> Option<Bytes> {
        let mut shelf = self.shelf();
        let bytes = shelf.entries.get(&key)?.file.get()?.clone();
        shelf.touch(key);
        Some(bytes)
    }

    /// The file from here, or from `load`.
    pub(crate) async fn get<E>(&self, key: Key, load: impl Future<Output = Result<Bytes, E>>) -> Result<Bytes, E> {
        let asker = Asker { cache: self, key, file: Some(self.shelf().touch(key)) };
        let Some(file) = &asker.file else { return load.await };
        if let Some(bytes) = file.get() {
            return Ok(bytes.clone());
        }
        let loaded = file.get_or_try_init(|| load).await.cloned();
        if let Ok(bytes) = &loaded {
            self.shelf().weigh(key, file, bytes.len(), self.bytes_max);
        }
        loaded
    }

    /// Lets go of everything of a broadcast.
    pub(crate) fn forget(&self, broadcast: BroadcastId) {
        let mut shelf = self.shelf();
        let keys: Vec<Key> = shelf.entries.keys().filter(|key| key.0 == broadcast).copied().collect();
        keys.into_iter().for_each(|key| shelf.remove(key));
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who asks for a file. The last of them takes an entry away that nothing was loaded into, also when it does not wait
/// for the answer: entries without bytes would be held by no limit.
struct Asker<'a> {
    cache: &'a ByteCache,
    key: Key,
    file: Option<Arc<OnceCell<Bytes>>>,
}

impl Drop for Asker<'_> {
    fn drop(&mut self) {
        let mut shelf = self.cache.shelf();
        // Given back under the lock, so that of two who leave at once one is the last.
        drop(self.file.take());
        shelf.drop_abandoned(self.key);
    }
}

impl Shelf {
    fn touch(&mut self, key: Key) -> Arc<OnceCell<Bytes>> {
        self.uses += 1;
        let used = self.uses;
        let entry = self.entries.entry(key).or_insert_with(|| Entry { file: Arc::default(), used, bytes: 0 });
        self.by_use.remove(&entry.used);
        entry.used = used;
        self.by_use.insert(used, key);
        entry.file.clone()
    }

    fn weigh(&mut self, key: Key, file: &Arc<OnceCell<Bytes>>, bytes: usize, bytes_max: usize) {
        let Some(entry) = self.entries.get_mut(&key).filter(|entry| Arc::ptr_eq(&entry.file, file)) else { return };
        self.bytes += bytes - entry.bytes;
        entry.bytes = bytes;
        // An empty entry is being loaded, weighs nothing, and leaves when nobody waits for it any more.
        while self.bytes > bytes_max {
            let oldest = self.by_use.values().find(|key| self.entries.get(key).is_some_and(|entry| entry.bytes > 0));
            match oldest.copied() {
                Some(oldest) => self.remove(oldest),
                None => break,
            }
        }
    }

    /// Removes an entry that is empty and that nobody is loading.
    fn drop_abandoned(&mut self, key: Key) {
        let abandoned = |entry: &Entry| Arc::strong_count(&entry.file) == 1 && !entry.file.initialized();
        if self.entries.get(&key).is_some_and(abandoned) {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(entry) = self.entries.remove(&key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn key(name: u64) -> Key {
        (BroadcastId::from_raw(1), Cached::Segment(SegmentName(name)))
    }

    async fn get(cache: &ByteCache, name: u64, loads: &AtomicUsize) -> Result<Bytes, ()> {
        let load = async {
            tokio::task::yield_now().await;
            loads.fetch_add(1, Ordering::Relaxed);
            Ok(Bytes::from(vec![name as u8; 40]))
        };
        cache.get(key(name), load).await
    }

    #[tokio::test]
    async fn many_who_ask_at_once_cause_one_read() {
        let (cache, loads) = (ByteCache::new(100), AtomicUsize::new(0));
        let (first, second, third) =
            tokio::join!(get(&cache, 1, &loads), get(&cache, 1, &loads), get(&cache, 1, &loads));
        assert_eq!((first.clone(), second), (third, first));
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn the_least_recently_used_leaves_first() {
        let (cache, loads) = (ByteCache::new(100), AtomicUsize::new(0));
        for name in [1, 2, 1, 3, 1] {
            get(&cache, name, &loads).await.unwrap();
        }
        assert_eq!(loads.load(Ordering::Relaxed), 3);
        assert_eq!(cache.shelf().bytes, 80);
        get(&cache, 2, &loads).await.unwrap();
        assert_eq!(loads.load(Ordering::Relaxed), 4);
        cache.forget(BroadcastId::from_raw(1));
        let shelf = cache.shelf();
        assert_eq!((shelf.bytes, shelf.by_use.len()), (0, 0));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_nothing_behind_and_takes_nothing_from_who_stays() {
        let (cache, loads) = (ByteCache::new(100), AtomicUsize::new(0));
        for name in 0..50 {
            let never = cache.get(key(name), std::future::pending::<Result<Bytes, ()>>());
            assert!(tokio::time::timeout(std::time::Duration::ZERO, never).await.is_err());
        }
        {
            let shelf = cache.shelf();
            assert_eq!((shelf.entries.len(), shelf.by_use.len()), (0, 0));
        }
        let mut goes = Box::pin(cache.get(key(1), std::future::pending::<Result<Bytes, ()>>()));
        let mut stays = Box::pin(get(&cache, 1, &loads));
        assert!(poll_once(&mut goes).is_pending() && poll_once(&mut stays).is_pending());
        drop(goes);
        assert_eq!(cache.shelf().entries.len(), 1, "the other still waits");
        stays.await.unwrap();
        get(&cache, 1, &loads).await.unwrap();
        assert_eq!(loads.load(Ordering::Relaxed), 1, "what it loaded is kept");
    }

    /// Polls once.
    fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let (cache, loads) = (ByteCache::new(100), AtomicUsize::new(0));
        assert_eq!(cache.get(key(1), async { Err::<Bytes, _>("gone") }).await, Err("gone"));
        assert!(cache.shelf().entries.is_empty());
        get(&cache, 1, &loads).await.unwrap();
    }
}
