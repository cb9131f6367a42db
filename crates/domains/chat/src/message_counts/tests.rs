//! Counts against the log, on both SQL engines.

use std::{sync::Arc, time::Duration};

use engines::sql::Outbox;
use kernel::events::Event;
use kernel::events::live::{BroadcastChanged, BroadcastState, StreamState};
use kernel::{AccountId, Timestamp};
use ports::event_log::{Cursor, EventLog, Fact};
use ports::work::{Reaction, Schedule};
use tokio::task::JoinSet;

use super::{CountMessages, MessageTotal, TellOfMessages};
use crate::testing::{BROADCAST, CHANNEL, HOST, Stage, caller, stages};

/// All facts, once there are some: on PostgreSQL a transaction of another test may stand before them for a moment.
async fn facts(stage: &Stage) -> Vec<Fact> {
    let outbox = Outbox::new(stage.test.database.clone());
    loop {
        let facts = outbox.read(Cursor::default(), 100).await.unwrap();
        if !facts.is_empty() {
            return facts;
        }
        outbox.wait(Duration::from_millis(10)).await;
    }
}

async fn counted(stage: &Stage) -> i64 {
    ports::sqlx::query_scalar("SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM chat_message_counts")
        .fetch_one(stage.test.database.reader())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_message_is_counted_once_whoever_counts() {
    for stage in stages().await {
        let chats = [Arc::new(stage.unlimited()), Arc::new(stage.unlimited())];
        assert_eq!(chats[0].counts.total(BROADCAST, 10).await.unwrap(), MessageTotal::default());
        let mut work = JoinSet::new();
        for account in 2..6 {
            let chat = chats[account as usize % 2].clone();
            work.spawn(async move {
                for _ in 0..10 * account {
                    chat.post(&caller(account), BROADCAST, "a".into(), None).await.unwrap();
                    chat.counts.total(BROADCAST, 1).await.unwrap();
                }
            });
        }
        work.join_all().await;
        let total = chats[0].counts.total(BROADCAST, 2).await.unwrap();
        let top = vec![(AccountId::from_raw(5), 50), (AccountId::from_raw(4), 40)];
        assert_eq!(total, MessageTotal { messages: 140, chatters: 4, top });
    }
}

#[tokio::test]
async fn deleted_messages_were_posted_and_notices_are_no_messages() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let early = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        let late = chat.post(&caller(2), BROADCAST, "b".into(), None).await.unwrap();
        chat.delete(&caller(2), BROADCAST, early.id).await.unwrap();
        let tell = TellOfMessages(chat.counts.clone());
        tell.run().await.unwrap();
        tell.run().await.unwrap();
        let told = facts(&stage).await;
        assert_eq!(told.len(), 1, "it is told once for all that was said");
        for _ in 0..2 {
            CountMessages(chat.counts.clone()).react(&told[0]).await.unwrap();
            assert_eq!(counted(&stage).await, 2, "a fact may come twice");
        }
        chat.delete(&caller(1), BROADCAST, late.id).await.unwrap();
        let change = crate::room_settings::RoomSettingsChange { slow_mode_s: Some(1), ..Default::default() };
        chat.room_settings.change(&caller(1), CHANNEL, &change).await.unwrap();
        let total = chat.counts.total(BROADCAST, 1).await.unwrap();
        assert_eq!((total.messages, total.chatters), (2, 1));
    }
}

#[tokio::test]
async fn the_end_of_a_show_finds_what_nobody_told_of() {
    for stage in stages().await {
        let chat = stage.unlimited();
        chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        let reaction = CountMessages(chat.counts.clone());
        let (at, stream) = (Timestamp::from_millis(0), StreamState::Absent);
        for (state, expected) in [(BroadcastState::Paused, 0), (BroadcastState::Ended, 1)] {
            let changed = BroadcastChanged { broadcast: BROADCAST, host: HOST, state, stream, publish_epoch: 1, at };
            let (kind, key) = (BroadcastChanged::KIND.to_owned(), changed.key());
            let payload = serde_json::to_string(&changed).unwrap();
            reaction.react(&Fact { cursor: Cursor::default(), kind, key, payload, at }).await.unwrap();
            assert_eq!(counted(&stage).await, expected, "{state:?}");
        }
    }
}

async fn rename(stage: &Stage, text: &'static str) {
    let mut tx = stage.test.database.write().await.unwrap();
    ports::sqlx::query(text).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later() {
    for stage in stages().await {
        let chat = stage.unlimited();
        chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        let tell = TellOfMessages(chat.counts.clone());
        rename(&stage, "ALTER TABLE outbox RENAME TO away").await;
        tell.run().await.unwrap_err();
        rename(&stage, "ALTER TABLE away RENAME TO outbox").await;
        tell.run().await.unwrap();
        assert_eq!(facts(&stage).await.len(), 1);
    }
}
