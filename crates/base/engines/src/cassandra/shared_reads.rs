//! Questions that many ask at the same time are asked once.
//!
//! Whoever comes while the same question is being answered may know of more than that answer will tell: it does not share that
//! one, but the one that is asked after it, with all others who have come meanwhile. So nobody waits for more than two answers,
//! and the page or the head of a hot room is read by one after the other, whatever the crowd.
//!
//! No more than 16,384 readers wait at a time; the next one is told so at once.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ports::room_log::RoomLogError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

const READERS_MAX: usize = 16_384;

type Answer<A> = Result<A, RoomLogError>;
/// All who share an answer are given the same one: the copies of a crowd never stand side by side.
type Waiting<A> = Vec<Reader<A>>;

/// Who waits. One who has gone away holds his place until the read ends, as what he is held by does.
#[derive(Debug)]
struct Reader<A> {
    answer: oneshot::Sender<Answer<Arc<A>>>,
    _place: OwnedSemaphorePermit,
}

/// The questions that are being answered, and who waits for the next answer to each.
#[derive(Debug)]
pub(super) struct SharedReads<Q, A> {
    questions: Arc<Mutex<HashMap<Q, Waiting<A>>>>,
    readers: Arc<Semaphore>,
}

impl<Q, A> Clone for SharedReads<Q, A> {
    fn clone(&self) -> Self {
        Self { questions: self.questions.clone(), readers: self.readers.clone() }
    }
}

impl<Q, A> Default for SharedReads<Q, A> {
    fn default() -> Self {
        Self { questions: Arc::default(), readers: Arc::new(Semaphore::new(READERS_MAX)) }
    }
}

impl<Q, A> SharedReads<Q, A>
where
    Q: Hash + Eq + Clone + Send + 'static,
    A: Send + Sync + 'static,
{
    /// What `read` answers; an error when too many wait already. Must be called inside a tokio runtime.
    pub(super) async fn read<F, R>(&self, question: Q, read: F) -> Answer<Arc<A>>
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = Answer<A>> + Send + 'static,
    {
        let Ok(place) = self.readers.clone().try_acquire_owned() else {
            metrics::counter!("madang_cassandra_refused_total").increment(1);
            return Err(RoomLogError::Engine(format!("{READERS_MAX} readers wait for Cassandra, which is the limit")));
        };
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.turn(question, Reader { answer, _place: place }) {
            tokio::spawn(turn.run(read));
        }
        answered.await.unwrap_or_else(|_| Err(RoomLogError::Engine("the read was given up".into())))
    }

    /// Waits for the next answer, or is to fetch it.
    fn turn(&self, question: Q, reader: Reader<A>) -> Option<Turn<Q, A>> {
        let mut questions = lock(&self.questions);
        if let Some(waiting) = questions.get_mut(&question) {
            waiting.push(reader);
            return None;
        }
        questions.insert(question.clone(), Vec::new());
        Some(Turn { questions: self.questions.clone(), question, asking: vec![reader] })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One question, until nobody waits for another answer.
struct Turn<Q: Hash + Eq, A> {
    questions: Arc<Mutex<HashMap<Q, Waiting<A>>>>,
    question: Q,
    asking: Waiting<A>,
}

impl<Q: Hash + Eq, A> Turn<Q, A> {
    async fn run<F, R>(mut self, read: F)
    where
        F: Fn() -> R,
        R: Future<Output = Answer<A>>,
    {
        while !self.asking.is_empty() {
            let answer = read().await.map(Arc::new);
            metrics::counter!("madang_cassandra_reads_shared_total").increment(self.asking.len() as u64 - 1);
            for reader in self.asking.drain(..) {
                let own = match &answer {
                    Ok(found) => Ok(found.clone()),
                    Err(RoomLogError::Refused(rule)) => Err(RoomLogError::Refused(rule.clone())),
                    Err(RoomLogError::Engine(error)) => Err(RoomLogError::Engine(error.clone())),
                };
                let _ = reader.answer.send(own);
            }
            let mut questions = lock(&self.questions);
            match questions.get_mut(&self.question) {
                Some(waiting) if !waiting.is_empty() => self.asking = std::mem::take(waiting),
                _ => drop(questions.remove(&self.question)),
            }
        }
    }
}

impl<Q: Hash + Eq, A> Drop for Turn<Q, A> {
    fn drop(&mut self) {
        // It did not come to its end: who waits is told so.
        if !self.asking.is_empty() {
            lock(&self.questions).remove(&self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// What stands in a log, and how often it was read.
    #[derive(Default)]
    struct Log {
        entries: AtomicU64,
        reads: AtomicU64,
    }

    #[tokio::test]
    async fn a_crowd_makes_two_reads_and_nobody_gets_what_is_older_than_the_question() {
        let may_end = Arc::new(Semaphore::new(0));
        let (log, reads) = (Arc::new(Log::default()), SharedReads::<&str, u64>::default());
        let ask = || {
            let (reads, log, may_end) = (reads.clone(), log.clone(), may_end.clone());
            let read = move || {
                let (log, may_end) = (log.clone(), may_end.clone());
                async move {
                    log.reads.fetch_add(1, Ordering::SeqCst);
                    let entries = log.entries.load(Ordering::SeqCst);
                    may_end.acquire().await.unwrap().forget();
                    Ok(entries)
                }
            };
            tokio::spawn(async move { *reads.read("room", read).await.unwrap() })
        };
        let first = ask();
        while log.reads.load(Ordering::SeqCst) < 1 {
            tokio::task::yield_now().await;
        }
        log.entries.store(1, Ordering::SeqCst);
        let crowd: Vec<_> = (0..1_000).map(|_| ask()).collect();
        while lock(&reads.questions).values().map(Vec::len).sum::<usize>() < 1_000 {
            tokio::task::yield_now().await;
        }
        may_end.add_permits(2);
        assert_eq!(first.await.unwrap(), 0);
        for one in crowd {
            assert_eq!(one.await.unwrap(), 1, "it asked when the entry was there");
        }
        assert_eq!((log.reads.load(Ordering::SeqCst), lock(&reads.questions).len()), (2, 0));
    }

    #[tokio::test]
    async fn a_read_that_does_not_end_is_told_and_does_not_stand_in_the_way() {
        let reads = SharedReads::<&str, u64>::default();
        let given_up = reads.read("room", || async { std::panic::resume_unwind(Box::new("the read breaks")) }).await;
        assert!(given_up.is_err());
        assert_eq!(*reads.read("room", || async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_crowd_beyond_the_limit_is_told_at_once_and_leaves_nothing_behind() {
        let may_end = Arc::new(Semaphore::new(0));
        let reads = SharedReads::<usize, u64>::default();
        let ask = |question| {
            let (reads, may_end) = (reads.clone(), may_end.clone());
            let read = move || {
                let may_end = may_end.clone();
                async move { may_end.acquire().await.map(|_| 1).map_err(|closed| RoomLogError::Engine(closed.to_string())) }
            };
            tokio::spawn(async move { reads.read(question, read).await.map(drop) })
        };
        let mut crowd: Vec<_> = (0..READERS_MAX).map(|reader| ask(reader % 100)).collect();
        while reads.readers.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let told = ask(1).await.unwrap().unwrap_err().to_string();
        assert!(told.contains("16384 readers"), "{told}");
        // Who goes away makes no room for others while what was asked for him still waits.
        let gone = crowd.split_off(READERS_MAX / 2);
        for one in gone {
            one.abort();
            assert!(one.await.unwrap_err().is_cancelled());
        }
        assert!(ask(1).await.unwrap().is_err());
        may_end.add_permits(1);
        for one in crowd {
            one.await.unwrap().unwrap();
        }
        while !lock(&reads.questions).is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(reads.readers.available_permits(), READERS_MAX);
    }
}
