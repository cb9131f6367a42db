//! Many writers, big groups, and a log whose answers go missing.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use async_trait::async_trait;
use bytes::Bytes;
use engines::{
    sql::{ROOM_LOG_MIGRATIONS, SqlRoomLog},
    testing::{TestDatabase, databases},
};
use kernel::Timestamp;
use ports::{
    bus::{Bus, BusError, Listener, Movement, Publication},
    room_log::{Appended, ENTRY_BYTES_MAX, Entry, Head, Record, Redaction, RoomLog, RoomLogError},
};

use crate::{Body, Draft, Error, Placed, Sequencers};

const ROOM: &str = "room";

/// A log whose next so many calls of a kind fail.
struct Failing {
    log: SqlRoomLog,
    before_append: AtomicU32,
    after_append: AtomicU32,
    lookups: AtomicU32,
    appends: AtomicU32,
    _database: TestDatabase,
}

async fn logs() -> Vec<Arc<Failing>> {
    let open = |database: TestDatabase| {
        let log = SqlRoomLog::new(database.database.clone());
        let (before_append, after_append, lookups, appends) = Default::default();
        Arc::new(Failing { log, before_append, after_append, lookups, appends, _database: database })
    };
    databases(&[ROOM_LOG_MIGRATIONS]).await.into_iter().map(open).collect()
}

fn fails(times: &AtomicU32) -> Result<(), RoomLogError> {
    match times.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => Err(RoomLogError::Engine("the connection broke".into())),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl RoomLog for Failing {
    async fn head(&self, room: &str) -> Result<Head, RoomLogError> {
        self.log.head(room).await
    }

    async fn append(
        &self,
        room: &str,
        epoch: &str,
        expected_next: u64,
        group: Vec<Entry>,
    ) -> Result<Appended, RoomLogError> {
        self.appends.fetch_add(1, SeqCst);
        fails(&self.before_append)?;
        let appended = self.log.append(room, epoch, expected_next, group).await?;
        fails(&self.after_append)?;
        Ok(appended)
    }

    async fn read(&self, room: &str, from: u64, limit: usize) -> Result<Vec<Record>, RoomLogError> {
        self.log.read(room, from, limit).await
    }

    async fn offsets_of(&self, room: &str, keys: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        fails(&self.lookups)?;
        self.log.offsets_of(room, keys).await
    }
}

/// A bus that remembers the offsets.
#[derive(Default)]
struct Heard(Mutex<Vec<u64>>);

#[async_trait]
impl Bus for Heard {
    async fn publish(&self, _: &str, publications: Vec<Publication>) -> Result<(), BusError> {
        self.0.lock().unwrap().extend(publications.iter().filter_map(|one| Some(one.position.as_ref()?.offset)));
        Ok(())
    }
    async fn announce(&self, _: &str, _: Vec<Movement>) -> Result<(), BusError> {
        Ok(())
    }
    fn attach(&self, _: Arc<dyn Listener>) {}
    async fn subscribe(&self, _: &str) -> Result<(), BusError> {
        Ok(())
    }
    async fn unsubscribe(&self, _: &str) {}
}

fn draft(text: &str) -> Draft {
    Draft::new(serde_json_text(text), Timestamp::from_millis(1))
}

fn serde_json_text(text: &str) -> Bytes {
    format!("\"{text}\"").into()
}

async fn texts(log: &dyn RoomLog) -> Vec<String> {
    let mut records = Vec::new();
    while let page = log.read(ROOM, records.len() as u64 + 1, 1_000).await.unwrap()
        && !page.is_empty()
    {
        records.extend(page);
    }
    records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn what_comes_together_is_kept_together_and_published_in_order() {
    for log in logs().await {
        let heard = Arc::new(Heard::default());
        let sequencers = Sequencers::new(log.clone(), heard.clone(), 1);
        let answers = sequencers.place_all(ROOM, (0..600).map(|number| draft(&number.to_string())).collect()).await;
        let places: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().offset()).collect();
        assert_eq!(places, (1..=600).collect::<Vec<_>>());
        assert_eq!(log.appends.load(SeqCst), 1, "one append for all");
        // More than one append takes.
        let answers = sequencers.place_all(ROOM, (600..4_000).map(|number| draft(&number.to_string())).collect()).await;
        assert_eq!(answers.last().unwrap(), &Ok(Placed::Here(4_000)));
        let expected: Vec<String> = (0..4_000).map(|number| format!("\"{number}\"")).collect();
        assert_eq!(texts(&*log).await, expected);
        // The acknowledgement comes before the publication: the next one's comes after it.
        sequencers.place(ROOM, draft("last")).await.unwrap();
        assert_eq!(heard.0.lock().unwrap()[..4_000], (1..=4_000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_answer_that_went_missing_is_found_by_the_witness_of_the_group() {
    for log in logs().await {
        let heard = Arc::new(Heard::default());
        let sequencers = Sequencers::new(log.clone(), heard.clone(), 1);
        log.after_append.store(1, SeqCst);
        let answers = sequencers.place_all(ROOM, vec![draft("a"), draft("b"), draft("c")]).await;
        assert_eq!(answers, [1, 2, 3].map(|offset| Ok(Placed::Here(offset))));
        log.before_append.store(2, SeqCst);
        assert_eq!(sequencers.place(ROOM, draft("d")).await, Ok(Placed::Here(4)));
        sequencers.place(ROOM, draft("e")).await.unwrap();
        assert_eq!(texts(&*log).await, ["\"a\"", "\"b\"", "\"c\"", "\"d\"", "\"e\""]);
        assert_eq!(heard.0.lock().unwrap()[..4], [1, 2, 3, 4], "what was kept without an answer is published too");
    }
}

#[tokio::test]
async fn a_resend_is_answered_with_the_first_one_and_its_companions_are_kept() {
    for log in logs().await {
        let sequencers = Sequencers::new(log.clone(), Arc::new(Heard::default()), 1);
        let keyed = |text: &str| Draft { resend_key: Some("once".into()), ..draft(text) };
        assert_eq!(sequencers.place(ROOM, keyed("a")).await, Ok(Placed::Here(1)));
        log.after_append.store(1, SeqCst);
        let answers = sequencers.place_all(ROOM, vec![draft("b"), keyed("a"), draft("c"), keyed("a")]).await;
        assert_eq!(answers, [Ok(Placed::Here(2)), Ok(Placed::Before(1)), Ok(Placed::Here(3)), Ok(Placed::Before(1))]);
        assert_eq!(texts(&*log).await, ["\"a\"", "\"b\"", "\"c\""]);
    }
}

#[tokio::test]
async fn a_log_that_does_not_answer_leaves_it_open() {
    for log in logs().await {
        let sequencers = Sequencers::new(log.clone(), Arc::new(Heard::default()), 1);
        log.before_append.store(u32::MAX, SeqCst);
        assert!(matches!(sequencers.place(ROOM, draft("a")).await, Err(Error::Unknown(_))));
        log.before_append.store(0, SeqCst);
        assert_eq!(sequencers.place(ROOM, draft("b")).await, Ok(Placed::Here(1)));
    }
}

#[tokio::test]
async fn what_the_log_refuses_harms_no_other() {
    for log in logs().await {
        let sequencers = Sequencers::new(log.clone(), Arc::new(Heard::default()), 1);
        let large = Draft::new(vec![b'1'; ENTRY_BYTES_MAX + 1].into(), Timestamp::from_millis(1));
        let answers = sequencers.place_all(ROOM, vec![draft("a"), large, draft("b")]).await;
        assert_eq!(answers[0], Ok(Placed::Here(1)));
        assert!(matches!(&answers[1], Err(Error::Refused(rule)) if rule.contains("the limit is")), "{answers:?}");
        assert_eq!(answers[2], Ok(Placed::Here(2)));
        // Each is small enough, and together they are more than one append takes.
        let body = Bytes::from(vec![b'1'; ENTRY_BYTES_MAX]);
        let large = (0..200).map(|_| Draft::new(body.clone(), Timestamp::from_millis(1))).collect();
        assert_eq!(sequencers.place_all(ROOM, large).await.last().unwrap(), &Ok(Placed::Here(202)));
    }
}

#[tokio::test]
async fn a_body_knows_its_place_also_when_another_process_took_the_one_before() {
    for log in logs().await {
        let [one, two] = [1, 2].map(|seed| Sequencers::new(log.clone(), Arc::new(Heard::default()), seed));
        let by_place = || Draft { body: Body::ByPlace(Box::new(|offset| Ok(offset.to_string().into()))), ..draft("") };
        for _ in 0..5 {
            one.place(ROOM, by_place()).await.unwrap();
            two.place_all(ROOM, vec![by_place(), by_place()]).await;
        }
        let expected: Vec<String> = (1..=15).map(|offset: u64| offset.to_string()).collect();
        assert_eq!(texts(&*log).await, expected);
    }
}

#[tokio::test]
async fn what_another_process_placed_can_be_replaced() {
    for log in logs().await {
        let [one, two] = [1, 2].map(|seed| Sequencers::new(log.clone(), Arc::new(Heard::default()), seed));
        let gone = |offset| {
            let redacts = Some(Redaction { offset, replacement: serde_json_text("gone") });
            Draft { redacts, ..draft("deletion") }
        };
        two.place(ROOM, draft("a")).await.unwrap();
        let place = one.place(ROOM, draft("b")).await.unwrap().offset();
        assert_eq!(two.place(ROOM, gone(place)).await, Ok(Placed::Here(3)));
        assert_eq!(texts(&*log).await, ["\"a\"", "\"gone\"", "\"deletion\""]);
        assert!(matches!(two.place(ROOM, gone(9)).await, Err(Error::Refused(_))), "nothing stands there");
    }
}

#[tokio::test]
async fn a_room_that_is_full_says_so() {
    let log = logs().await.remove(0);
    let sequencers = Sequencers::new(log, Arc::new(Heard::default()), 1);
    let many = (0..40_000).map(|_| draft("a")).collect();
    let answers = sequencers.place_all(ROOM, many).await;
    assert_eq!(answers.len(), 40_000);
    assert!(matches!(&answers[0], Err(Error::Busy(limit)) if limit.contains("32768")), "{:?}", answers[0]);
}
