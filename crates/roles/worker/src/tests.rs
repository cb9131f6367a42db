//! Several processes with the same work.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel::Timestamp;
use ports::{
    event_log::{Cursor, EventLogError, Fact},
    leases::{Fence, LeaseError, Leases},
    work::WorkError,
};
use tokio::time::{Instant, sleep};

use super::*;

/// Whose a lease is, its fence, and until when.
type Given = (String, i64, Option<Instant>);

/// Leases by the clock of the test, and whether they can be reached.
#[derive(Default)]
struct Desk {
    given: Mutex<HashMap<String, Given>>,
    is_away: AtomicBool,
}

#[async_trait]
impl Leases for Desk {
    async fn take(&self, name: &str, holder: &str, time: Duration) -> Result<Option<Fence>, LeaseError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(LeaseError("away".into()));
        }
        let (mut given, now) = (self.given.lock().unwrap(), Instant::now());
        let (who, fence, until) = given.entry(name.into()).or_insert((String::new(), 0, None));
        if who != holder && until.is_some_and(|until| until > now) {
            return Ok(None);
        }
        *fence += i64::from(who != holder);
        (*who, *until) = (holder.into(), Some(now + time));
        Ok(Some(Fence { lease: name.into(), number: *fence }))
    }

    async fn give_back(&self, name: &str, holder: &str) -> Result<(), LeaseError> {
        let mut given = self.given.lock().unwrap();
        if let Some((who, _, until)) = given.get_mut(name).filter(|(who, ..)| who == holder) {
            (*who, *until) = (String::new(), None);
        }
        Ok(())
    }
}

/// Counts its runs, and the fences it ran under.
struct Counts {
    place: Place,
    runs: AtomicU32,
    fences: Mutex<Vec<Option<i64>>>,
    finished: AtomicBool,
}

impl Counts {
    fn new(place: Place) -> Arc<Self> {
        Arc::new(Self { place, runs: AtomicU32::new(0), fences: Mutex::default(), finished: AtomicBool::new(false) })
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Schedule for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn place(&self) -> Place {
        self.place
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.fences.lock().unwrap().push(Fence::current().map(|fence| fence.number));
        Ok(())
    }

    async fn finish(&self) -> Result<(), WorkError> {
        self.finished.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// A clock that stands.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_780_000_000_000)
    }
}

struct NoFacts;

#[async_trait]
impl EventLog for NoFacts {
    async fn read(&self, _: Cursor, _: u32) -> Result<Vec<Fact>, EventLogError> {
        Ok(Vec::new())
    }

    async fn cursor(&self, _: &str) -> Result<Cursor, EventLogError> {
        Ok(Cursor::default())
    }

    async fn keep_cursor(&self, _: &str, _: Cursor) -> Result<(), EventLogError> {
        Ok(())
    }

    async fn forget_cursor(&self, _: &str) -> Result<(), EventLogError> {
        Ok(())
    }

    async fn trim(&self, _: Timestamp) -> Result<u64, EventLogError> {
        Ok(0)
    }

    async fn wait(&self, at_most: Duration) {
        sleep(at_most).await;
    }
}

struct Process {
    of_site: Arc<Counts>,
    of_memory: Arc<Counts>,
    cancel: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

fn start(desk: &Arc<Desk>, name: &str) -> Process {
    let (of_site, of_memory) = (Counts::new(Place::Site), Counts::new(Place::Memory));
    let cancel = CancellationToken::new();
    let worker = Worker::new(Arc::new(Noon))
        .schedules([of_site.clone() as Arc<dyn Schedule>, of_memory.clone()])
        .together(Office::new(desk.clone(), name.into()));
    let running = tokio::spawn(worker.run(Arc::new(NoFacts), cancel.clone()));
    Process { of_site, of_memory, cancel, running }
}

#[tokio::test(start_paused = true)]
async fn one_process_runs_what_is_the_sites_and_each_what_is_its_own() {
    let desk = Arc::new(Desk::default());
    let first = start(&desk, "first");
    sleep(Duration::from_millis(100)).await;
    let second = start(&desk, "second");
    sleep(Duration::from_secs(60)).await;
    assert!(first.of_site.runs() >= 100 && first.of_memory.runs() >= 100 && second.of_memory.runs() >= 100);
    assert_eq!(second.of_site.runs(), 0);

    first.cancel.cancel();
    first.running.await.unwrap();
    assert!(first.of_site.finished.load(Ordering::SeqCst));
    sleep(Duration::from_millis(1_100)).await;
    assert!(second.of_site.runs() > 0, "it was given back");
    assert_eq!(first.of_site.fences.lock().unwrap().first(), Some(&Some(1)));
    assert_eq!(second.of_site.fences.lock().unwrap().first(), Some(&Some(2)));
    assert!(second.of_memory.fences.lock().unwrap().iter().all(Option::is_none), "its own needs no lease");
    assert!(!second.of_site.finished.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn who_dies_is_followed_when_its_lease_ends_and_not_before() {
    let desk = Arc::new(Desk::default());
    let first = start(&desk, "first");
    sleep(Duration::from_millis(100)).await;
    let second = start(&desk, "second");
    sleep(Duration::from_secs(10)).await;
    first.running.abort();
    let died = Instant::now();
    while second.of_site.runs() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let after = died.elapsed();
    assert!(after >= Duration::from_secs(4) && after <= Duration::from_secs(6), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_before_its_lease_ends() {
    let desk = Arc::new(Desk::default());
    let first = start(&desk, "first");
    sleep(Duration::from_secs(10)).await;
    desk.is_away.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(5)).await;
    let runs = first.of_site.runs();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(first.of_site.runs(), runs);
    assert!(first.of_memory.runs() > 100);
    first.cancel.cancel();
    first.running.await.unwrap();
    assert!(!first.of_site.finished.load(Ordering::SeqCst), "what is the site's is somebody else's by now");
}
