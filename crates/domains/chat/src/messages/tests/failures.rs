//! A log whose answers go missing: before it kept anything, or after.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use async_trait::async_trait;
use ports::room_log::{Appended, Entry, Head, Record, RoomLog, RoomLogError};

use crate::messages::Error;
use crate::room_settings::RoomSettingsChange;
use crate::testing::{BROADCAST, CHANNEL, Stage, caller, stages};
use crate::{Chat, Parts, Settings};

/// Fails the next so many calls of a kind.
struct Failing {
    log: Arc<dyn RoomLog>,
    before_append: AtomicU32,
    after_append: AtomicU32,
    lookups: AtomicU32,
}

impl Failing {
    fn on(stage: &Stage) -> Arc<Self> {
        let log = stage.parts.log.clone();
        Arc::new(Self { log, before_append: 0.into(), after_append: 0.into(), lookups: 0.into() })
    }

    fn chat(self: &Arc<Self>, stage: &Stage) -> Chat {
        let parts = Parts { log: self.clone(), is_one_of_several: true, ..stage.parts.clone() };
        Chat::new(parts, &Settings::default()).unwrap()
    }
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

#[tokio::test]
async fn an_answer_that_went_missing_is_found_by_the_keys() {
    for stage in stages().await {
        let log = Failing::on(&stage);
        let chat = log.chat(&stage);
        log.after_append.store(1, SeqCst);
        let message = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        assert_eq!(message.offset, 1);
        log.before_append.store(2, SeqCst);
        let message = chat.post(&caller(2), BROADCAST, "b".into(), None).await.unwrap();
        assert_eq!(message.offset, 2);
        chat.post(&caller(2), BROADCAST, "c".into(), None).await.unwrap();
        assert_eq!(stage.log().await.len(), 3);
        let heard = stage.heard.publications();
        let offsets: Vec<u64> = heard.iter().map(|one| one.position.as_ref().unwrap().offset).collect();
        assert_eq!(offsets[..2], [1, 2], "what was kept without an answer is published too");
    }
}

#[tokio::test]
async fn a_crash_between_append_and_acknowledgement_makes_a_resend_one_message() {
    for stage in stages().await {
        let log = Failing::on(&stage);
        let chat = log.chat(&stage);
        log.after_append.store(1, SeqCst);
        log.lookups.store(u32::MAX, SeqCst);
        let unknown = chat.post(&caller(2), BROADCAST, "a".into(), Some("own id".into())).await;
        assert!(matches!(unknown, Err(Error::Log(RoomLogError::Engine(_)))), "{unknown:?}");
        drop(chat);

        let restarted = stage.chat();
        let resent = restarted.post(&caller(2), BROADCAST, "a".into(), Some("own id".into())).await.unwrap();
        assert_eq!(resent.offset, 1);
        assert_eq!(stage.log().await.len(), 1);
    }
}

#[tokio::test]
async fn a_log_that_is_gone_is_a_temporary_error_and_costs_no_rate() {
    for stage in stages().await {
        let log = Failing::on(&stage);
        let chat = log.chat(&stage);
        for _ in 0..30 {
            log.before_append.store(u32::MAX, SeqCst);
            let failed = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap_err();
            let problem = kernel::Problem::from(failed);
            assert_eq!((problem.status, problem.code, problem.retry_after_s), (503, "chat_unavailable", Some(1)));
        }
        log.before_append.store(0, SeqCst);
        chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        assert_eq!(stage.log().await.len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_was_not_kept_does_not_count_in_slow_mode() {
    for stage in stages().await {
        let log = Failing::on(&stage);
        let chat = log.chat(&stage);
        let change = RoomSettingsChange { slow_mode_s: Some(10), ..Default::default() };
        chat.room_settings.change(&caller(1), CHANNEL, &change).await.unwrap();
        log.before_append.store(u32::MAX, SeqCst);
        assert!(chat.post(&caller(2), BROADCAST, "a".into(), None).await.is_err());
        stage.one_of_several().post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        log.before_append.store(0, SeqCst);
        let refused = chat.post(&caller(2), BROADCAST, "b".into(), None).await;
        assert!(matches!(refused, Err(Error::SlowMode { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_deletion_that_failed_and_was_repeated_is_one_act_of_moderation() {
    for stage in stages().await {
        let failing = Failing::on(&stage);
        let chat = failing.chat(&stage);
        let message = chat.post(&caller(2), BROADCAST, "bad".into(), None).await.unwrap();
        failing.before_append.store(10, SeqCst);
        assert!(chat.delete(&caller(1), BROADCAST, message.id).await.is_err());
        failing.before_append.store(0, SeqCst);
        let log = async || chat.mod_log.entries(&caller(1), CHANNEL, None, 10).await.unwrap().items.len();
        assert_eq!(log().await, 1, "no deletion is without an entry");
        chat.delete(&caller(1), BROADCAST, message.id).await.unwrap();
        assert_eq!(log().await, 1);
    }
}
