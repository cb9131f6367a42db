//! Held messages from the hold to the decision, on both SQL engines.

use std::sync::Arc;

use async_trait::async_trait;
use ports::room_log::{Appended, Entry, Head, Record, RoomLog, RoomLogError};
use ports::work::Schedule;

use super::{DropExpired, FinishApprovals, HeldMessage};
use crate::blocked_words::{Consequence, NewBlockedWord};
use crate::messages::{self, HistoryItem, NewMessage};
use crate::testing::{BROADCAST, CHANNEL, Stage, caller, stages};
use crate::{Chat, Error, Parts, Settings};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

async fn with_word(stage: &Stage) -> Chat {
    let chat = stage.unlimited();
    let new = NewBlockedWord { word: "hmm".into(), consequence: Consequence::Hold };
    chat.blocked_words.block(&caller(1), CHANNEL, new).await.unwrap();
    chat
}

async fn held(chat: &Chat, account: i64, client_id: Option<&str>) -> HeldMessage {
    let client_id = client_id.map(str::to_owned);
    match chat.post(&caller(account), BROADCAST, format!("hmm {account}"), client_id).await {
        Err(messages::Error::Held(held)) => *held,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_held_waits_oldest_first_and_is_published_when_it_is_approved() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let first = held(&chat, 2, Some("own id")).await;
        stage.clock.advance(10);
        let second = held(&chat, 3, None).await;
        assert_eq!(held(&chat, 2, Some("own id")).await, first, "a resend is the same message");
        assert_eq!(stage.log().await, []);
        let later = stage.unlimited();
        let queue = later.review.waiting(&caller(1), CHANNEL, None, 1).await.unwrap();
        assert_eq!((queue.items[0].id, queue.items[0].word.as_str()), (first.id, "hmm"), "it survives a restart");
        let after = queue.next_cursor.unwrap().parse().unwrap();
        let queue = later.review.waiting(&caller(1), CHANNEL, Some(after), 1).await.unwrap();
        assert_eq!((queue.items[0].id, queue.next_cursor), (second.id, None));

        stage.clock.advance(60_000);
        let published = chat.review.approve(&caller(1), CHANNEL, first.id).await.unwrap();
        assert_eq!((published.id, published.offset, published.text.as_str()), (first.id, 1, "hmm 2"));
        assert_eq!(published.at.millis_since(first.at), 60_010, "published at the time of its approval");
        let again = chat.post(&caller(2), BROADCAST, "hmm 2".into(), Some("own id".into())).await.unwrap();
        assert_eq!(again, published);
        assert!(matches!(chat.review.approve(&caller(1), CHANNEL, first.id).await, Err(Error::Decided)));
        assert!(matches!(chat.review.reject(&caller(1), CHANNEL, first.id).await, Err(Error::Decided)));
        assert_eq!(stage.log().await.len(), 1);
        let entries = chat.mod_log.entries(&caller(1), CHANNEL, None, 1).await.unwrap().items;
        assert_eq!(
            (format!("{:?}", entries[0].act), entries[0].detail.as_deref()),
            ("HeldApproved".into(), Some("hmm 2"))
        );
    }
}

#[tokio::test]
async fn what_is_rejected_is_not_published_and_a_resend_is_told_so() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let one = held(&chat, 2, Some("own id")).await;
        assert!(matches!(chat.review.reject(&caller(2), CHANNEL, one.id).await, Err(Error::NotAllowed)));
        assert!(matches!(chat.review.reject(&caller(5), "person_5", one.id).await, Err(Error::Unknown(_))));
        chat.review.reject(&caller(1), CHANNEL, one.id).await.unwrap();
        let resent = chat.post(&caller(2), BROADCAST, "hmm 2".into(), Some("own id".into())).await;
        assert!(matches!(resent, Err(messages::Error::Rejected)));
        assert_eq!(stage.log().await, []);
    }
}

#[tokio::test]
async fn an_account_has_so_many_waiting_and_each_for_a_day() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let mut waiting = Vec::new();
        for _ in 0..5 {
            waiting.push(held(&chat, 2, None).await);
        }
        let full = chat.post(&caller(2), BROADCAST, "hmm".into(), None).await;
        assert!(matches!(full, Err(messages::Error::ReviewFull)));
        held(&chat, 3, None).await;
        let state = chat.room_states.state(&caller(2), BROADCAST).await.unwrap();
        assert_eq!(state.held, waiting);
        stage.clock.advance(DAY_MS);
        assert!(chat.room_states.state(&caller(2), BROADCAST).await.unwrap().held.is_empty());
        let late = chat.review.approve(&caller(1), CHANNEL, waiting[0].id).await;
        assert!(matches!(late, Err(Error::Decided)));
        DropExpired(chat.review.clone()).run().await.unwrap();
        let late = chat.review.approve(&caller(1), CHANNEL, waiting[0].id).await;
        assert!(matches!(late, Err(Error::Unknown(_))));
        held(&chat, 2, None).await;
    }
}

#[tokio::test]
async fn an_approval_that_was_cut_off_is_finished_and_published_once() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let one = held(&chat, 2, None).await;
        let broken = Parts { log: Arc::new(Broken), ..stage.parts.clone() };
        let cut_off = Chat::new(broken, &Settings::default()).unwrap();
        assert!(cut_off.review.approve(&caller(1), CHANNEL, one.id).await.is_err());
        assert_eq!(stage.log().await, []);
        assert!(matches!(chat.review.reject(&caller(1), CHANNEL, one.id).await, Err(Error::Decided)));
        stage.clock.advance(DAY_MS);
        DropExpired(chat.review.clone()).run().await.unwrap();
        for _ in 0..2 {
            FinishApprovals(chat.review.clone()).run().await.unwrap();
        }
        let log = stage.log().await;
        assert!(matches!(&log[..], [HistoryItem::Message(message)] if message.id == one.id), "{log:?}");
    }
}

/// As a process leaves them that dies between a publication and the word that it happened.
async fn forget_what_was_published(stage: &Stage) {
    let mut tx = stage.test.database.write().await.unwrap();
    let statement = "UPDATE chat_held_messages SET state = 'approving' WHERE state = 'approved'";
    ports::sqlx::query(statement).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn unfinished(stage: &Stage) -> i64 {
    ports::sqlx::query_scalar("SELECT COUNT(*) FROM chat_held_messages WHERE state = 'approving'")
        .fetch_one(stage.test.database.reader())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_approval_that_was_cut_off_after_its_publication_is_finished_too() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        for client_id in [None, Some("own id")] {
            let one = held(&chat, 2, client_id).await;
            chat.review.approve(&caller(1), CHANNEL, one.id).await.unwrap();
        }
        let gone = held(&chat, 3, None).await;
        chat.review.approve(&caller(1), CHANNEL, gone.id).await.unwrap();
        chat.delete(&caller(1), BROADCAST, gone.id).await.unwrap();
        let log = stage.log().await;
        forget_what_was_published(&stage).await;
        FinishApprovals(stage.unlimited().review).run().await.unwrap();
        assert_eq!(unfinished(&stage).await, 0, "{}", stage.test.engine);
        assert_eq!(stage.log().await, log, "{}: nothing was published twice", stage.test.engine);
    }
}

#[tokio::test]
async fn an_approval_that_cannot_be_finished_stops_no_other() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let nobody = held(&chat, 5_000, None).await;
        assert!(chat.review.approve(&caller(1), CHANNEL, nobody.id).await.is_err());
        let one = held(&chat, 2, None).await;
        let broken = Parts { log: Arc::new(Broken), ..stage.parts.clone() };
        let cut_off = Chat::new(broken, &Settings::default()).unwrap();
        assert!(cut_off.review.approve(&caller(1), CHANNEL, one.id).await.is_err());
        FinishApprovals(chat.review.clone()).run().await.unwrap();
        let log = stage.log().await;
        assert!(matches!(&log[..], [HistoryItem::Message(message)] if message.id == one.id), "{log:?}");
        assert_eq!(unfinished(&stage).await, 1);
    }
}

#[tokio::test]
async fn a_closed_room_takes_nothing_from_review_and_a_lost_parent_is_no_obstacle() {
    for stage in stages().await {
        let chat = with_word(&stage).await;
        let parent = chat.post(&caller(3), BROADCAST, "a".into(), None).await.unwrap();
        let reply = NewMessage { text: "hmm".into(), client_id: None, reply_to: Some(parent.id) };
        let held_reply = chat.messages.post(&caller(2), BROADCAST, reply).await;
        let Err(messages::Error::Held(reply)) = held_reply else { panic!("{held_reply:?}") };
        let other = held(&chat, 2, None).await;
        chat.delete(&caller(3), BROADCAST, parent.id).await.unwrap();
        assert_eq!(chat.review.approve(&caller(1), CHANNEL, reply.id).await.unwrap().reply_to, None);
        stage.broadcasts.end(&stage.clock);
        let closed = chat.review.approve(&caller(1), CHANNEL, other.id).await;
        assert!(matches!(closed, Err(Error::Message(messages::Error::RoomClosed))));
        chat.review.reject(&caller(1), CHANNEL, other.id).await.unwrap();
    }
}

/// A room log that is out of reach.
struct Broken;

fn out_of_reach<T>() -> Result<T, RoomLogError> {
    Err(RoomLogError::Engine("out of reach".into()))
}

#[async_trait]
impl RoomLog for Broken {
    async fn head(&self, _: &str) -> Result<Head, RoomLogError> {
        out_of_reach()
    }

    async fn append(&self, _: &str, _: &str, _: u64, _: Vec<Entry>) -> Result<Appended, RoomLogError> {
        out_of_reach()
    }

    async fn read(&self, _: &str, _: u64, _: usize) -> Result<Vec<Record>, RoomLogError> {
        out_of_reach()
    }

    async fn offsets_of(&self, _: &str, _: &[String]) -> Result<Vec<Option<u64>>, RoomLogError> {
        out_of_reach()
    }
}
