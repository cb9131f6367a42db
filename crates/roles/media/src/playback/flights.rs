//! Questions to other processes: asked once for all who want to know the same.
//!
//! Promise: many who ask one thing at once, and within the moment after the answer, cause one question; its failure is told
//! to all of them. A question goes on when whoever asked it first goes away. Their number is bounded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::needs::NodeAnswer;

/// Questions under way, or just answered, at the most.
const FLIGHTS_MAX: usize = 4_096;
/// How long a failure is told to others who ask.
const FAILURE_HOLDS: Duration = Duration::from_millis(500);

/// An answer, or none.
pub(crate) type Landed = Option<Arc<NodeAnswer>>;

/// All questions of a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<String, watch::Receiver<Option<Landed>>>>>);

impl Flights {
    /// The answer about `path`: of whoever asks already, or has just asked, or of `ask`. It holds for `holds`.
    pub(crate) async fn ask(
        &self,
        path: String,
        holds: Duration,
        ask: impl Future<Output = Landed> + Send + 'static,
    ) -> Landed {
        let mut flight = match self.board(&path) {
            Some(flight) => flight,
            None => self.depart(path, holds, ask)?,
        };
        // Only a question that panicked ends without an answer.
        flight.wait_for(Option::is_some).await.ok()?.clone().flatten()
    }

    fn board(&self, path: &str) -> Option<watch::Receiver<Option<Landed>>> {
        self.flights().get(path).cloned()
    }

    fn depart(
        &self,
        path: String,
        holds: Duration,
        ask: impl Future<Output = Landed> + Send + 'static,
    ) -> Option<watch::Receiver<Option<Landed>>> {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(&path) {
            return Some(flight.clone());
        }
        if flights.len() >= FLIGHTS_MAX {
            metrics::counter!("madang_media_asked_total", "outcome" => "too_many").increment(1);
            return None;
        }
        let (landed, flight) = watch::channel(None);
        flights.insert(path.clone(), flight.clone());
        drop(flights);
        let all = self.clone();
        tokio::spawn(async move {
            let arrival = Arrival { all, path };
            let answer = ask.await;
            let holds = if answer.is_some() { holds } else { FAILURE_HOLDS };
            let outcome = if answer.is_some() { "answered" } else { "away" };
            metrics::counter!("madang_media_asked_total", "outcome" => outcome).increment(1);
            landed.send_replace(Some(answer));
            tokio::time::sleep(holds).await;
            drop(arrival);
        });
        Some(flight)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Option<Landed>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a question away when it is over, however it ends.
struct Arrival {
    all: Flights,
    path: String,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.all.flights().remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    const HOLDS: Duration = Duration::from_millis(200);

    fn question(asked: &Arc<AtomicUsize>, answer: Landed) -> impl Future<Output = Landed> + Send + 'static {
        let asked = asked.clone();
        async move {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            answer
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_who_want_to_know_the_same_cause_one_question_and_share_its_failure() {
        for answer in [Some(Arc::new(NodeAnswer { status: 200, ..NodeAnswer::default() })), None] {
            let (flights, asked, mut crowd) = (Flights::default(), Arc::new(AtomicUsize::new(0)), JoinSet::new());
            for _ in 0..1_000 {
                let (flights, ask) = (flights.clone(), question(&asked, answer.clone()));
                crowd.spawn(async move { flights.ask("/live/1/media.m3u8".into(), HOLDS, ask).await });
            }
            assert!(crowd.join_all().await.into_iter().all(|heard| heard == answer));
            let late = flights.ask("/live/1/media.m3u8".into(), HOLDS, question(&asked, None)).await;
            assert_eq!((late, asked.load(Ordering::SeqCst)), (answer, 1), "and so does who comes just after");
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(flights.flights().is_empty(), "nothing is kept for longer");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_outlives_who_asked_it_first() {
        let (flights, asked) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
        let answer = Some(Arc::new(NodeAnswer::default()));
        let first = flights.ask("/a".into(), HOLDS, question(&asked, answer.clone()));
        assert!(tokio::time::timeout(Duration::from_millis(500), first).await.is_err());
        let second = flights.ask("/a".into(), HOLDS, question(&asked, None)).await;
        assert_eq!((second, asked.load(Ordering::SeqCst)), (answer, 1));
    }
}
