//! Counts against the log, on both SQL engines.

use std::sync::Arc;

use kernel::AccountId;
use ports::work::Schedule;
use tokio::task::JoinSet;

use super::{KeepCounts, MessageTotal};
use crate::testing::{BROADCAST, CHANNEL, caller, stages};

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
        KeepCounts(chat.counts.clone()).run().await.unwrap();
        let kept: i64 = ports::sqlx::query_scalar("SELECT messages FROM chat_message_counts")
            .fetch_one(stage.test.database.reader())
            .await
            .unwrap();
        assert_eq!(kept, 2, "the schedule counts rooms in which something was said");
        chat.delete(&caller(1), BROADCAST, late.id).await.unwrap();
        let change = crate::room_settings::RoomSettingsChange { slow_mode_s: Some(1), ..Default::default() };
        chat.room_settings.change(&caller(1), CHANNEL, &change).await.unwrap();
        let total = chat.counts.total(BROADCAST, 1).await.unwrap();
        assert_eq!((total.messages, total.chatters), (2, 1));
    }
}
