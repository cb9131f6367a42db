//! Questions that many ask at once, and one asks for all of them.
//!
//! Promise: whoever asks while somebody asks the same already gets that answer, failures too, so that a crowd that comes
//! at once asks the store once. An answer is not kept: whoever comes after it asks anew. One who asks and goes away
//! leaves the asking to the next of those who wait.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

/// The questions that are under way, by what they are about.
#[derive(Debug)]
pub(crate) struct Asked<K, A>(Mutex<HashMap<K, Arc<OnceCell<A>>>>);

impl<K: Copy + Eq + Hash, A: Clone> Asked<K, A> {
    /// None is under way.
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The answer about `key`: of whoever asks already, or of `ask`.
    pub(crate) async fn once<F: Future<Output = A>>(&self, key: K, ask: impl FnOnce() -> F) -> A {
        let answer = self.under_way().entry(key).or_default().clone();
        let waiting = Waiting { asked: self, key, answer };
        waiting.answer.get_or_init(ask).await.clone()
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<A>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for an answer. When it goes, an answered question goes with it, and one that nobody else waits for.
struct Waiting<'a, K: Copy + Eq + Hash, A: Clone> {
    asked: &'a Asked<K, A>,
    key: K,
    answer: Arc<OnceCell<A>>,
}

impl<K: Copy + Eq + Hash, A: Clone> Drop for Waiting<'_, K, A> {
    fn drop(&mut self) {
        let mut under_way = self.asked.under_way();
        let is_this_one = under_way.get(&self.key).is_some_and(|answer| Arc::ptr_eq(answer, &self.answer));
        // Two hold it then: the map, and this one.
        let is_last = Arc::strong_count(&self.answer) <= 2;
        if is_this_one && (is_last || self.answer.initialized()) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::{sync::Semaphore, task::JoinSet};

    use super::*;

    #[tokio::test]
    async fn a_crowd_that_comes_at_once_asks_once_and_the_next_one_asks_anew() {
        let (asked, times, go) = (Arc::new(Asked::new()), Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let mut crowd = JoinSet::new();
        for _ in 0..100 {
            let (asked, times, go) = (asked.clone(), times.clone(), go.clone());
            crowd.spawn(async move {
                let ask = || async {
                    go.acquire().await.unwrap().forget();
                    Err::<(), u32>(times.fetch_add(1, Ordering::SeqCst))
                };
                asked.once(7, ask).await
            });
        }
        // All of them wait for the one answer: 100, and the map.
        while asked.under_way().get(&7).is_none_or(|answer| Arc::strong_count(answer) < 101) {
            tokio::task::yield_now().await;
        }
        go.add_permits(100);
        while let Some(answer) = crowd.join_next().await {
            assert_eq!(answer.unwrap(), Err(0), "a failure is everybody's as well");
        }
        assert_eq!(asked.once(7, async || Err(times.fetch_add(1, Ordering::SeqCst))).await, Err(1));
        assert!(asked.under_way().is_empty());
    }

    #[tokio::test]
    async fn one_who_goes_away_leaves_the_asking_to_the_next() {
        let asked = Arc::new(Asked::<u8, u32>::new());
        let first = tokio::spawn({
            let asked = asked.clone();
            async move { asked.once(7, std::future::pending).await }
        });
        while asked.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let asked = asked.clone();
            async move { asked.once(7, async || 2).await }
        });
        let alone = || asked.under_way().get(&7).is_some_and(|answer| Arc::strong_count(answer) < 3);
        while alone() && !second.is_finished() {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert_eq!(second.await.unwrap(), 2);
        let alone = tokio::spawn({
            let asked = asked.clone();
            async move { asked.once(8, std::future::pending).await }
        });
        while asked.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
        alone.abort();
        assert!(alone.await.unwrap_err().is_cancelled());
        assert!(asked.under_way().is_empty(), "nobody waits for it any more");
    }
}
