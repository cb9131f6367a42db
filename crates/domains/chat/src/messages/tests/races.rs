//! Many at once, in one process and in two.

use std::{collections::HashSet, sync::Arc, time::Duration};

use kernel::{Clock, Snowflake};
use tokio::task::JoinSet;

use crate::messages::{HistoryItem, Message, Messages, NewMessage, Shared, room_name};
use crate::order::Order;
use crate::testing::{BROADCAST, caller, stages};
use crate::{Chat, Parts, Settings};

/// Posts from many tasks over these chats, and compares what was acknowledged with what is in the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_over_two_sequencers() {
    for stage in stages().await {
        let chats = [Arc::new(stage.unlimited()), Arc::new(stage.unlimited())];
        let mut posters = JoinSet::new();
        for poster in 0..16 {
            let chat = chats[poster % 2].clone();
            posters.spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0..25 {
                    let text = format!("{poster}/{number:03}");
                    acknowledged.push(chat.post(&caller(2 + poster as i64), BROADCAST, text, None).await.unwrap());
                }
                acknowledged
            });
        }
        let mut acknowledged: Vec<Message> = posters.join_all().await.concat();
        acknowledged.sort_by_key(|message| message.offset);
        let kept = stage.log().await;
        assert_eq!(kept.len(), 16 * 25, "{}", stage.test.engine);
        for (item, message) in kept.iter().zip(&acknowledged) {
            assert!(matches!(item, HistoryItem::Message(one) if one == message), "{item:?} {message:?}");
        }
        for poster in 0..16 {
            let own = format!("{poster}/");
            let own: Vec<_> = acknowledged.iter().map(|one| &one.text).filter(|text| text.starts_with(&own)).collect();
            assert!(own.is_sorted(), "one poster's messages keep their order");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_bus_carries_every_message_in_the_order_of_the_log() {
    for stage in stages().await {
        let chat = Arc::new(stage.unlimited());
        let mut posters = JoinSet::new();
        for poster in 0..300 {
            let chat = chat.clone();
            posters.spawn(async move { chat.post(&caller(poster + 2), BROADCAST, "a".into(), None).await.unwrap() });
        }
        posters.join_all().await;
        // The acknowledgement comes before the publication: the next message's comes after it.
        chat.post(&caller(2), BROADCAST, "last".into(), None).await.unwrap();
        let heard = stage.heard.publications();
        let offsets: Vec<u64> = heard.iter().map(|one| one.position.as_ref().unwrap().offset).collect();
        assert!(offsets.len() >= 300);
        assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
        let records = stage.parts.log.read(&room_name(BROADCAST), 1, offsets.len()).await.unwrap();
        assert!(heard.iter().zip(&records).all(|(one, record)| one.data == record.data));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_resends_at_once_are_one_message() {
    for stage in stages().await {
        let chats = [Arc::new(stage.chat()), Arc::new(stage.chat())];
        let mut resends = JoinSet::new();
        for number in 0..10 {
            let chat = chats[number % 2].clone();
            resends.spawn(async move {
                chat.post(&caller(2), BROADCAST, "once".into(), Some("own id".into())).await.unwrap()
            });
        }
        let answers: HashSet<(i64, u64)> =
            resends.join_all().await.into_iter().map(|message| (message.id.raw(), message.offset)).collect();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(stage.log().await.len(), 1);
        let other = chats[0].post(&caller(3), BROADCAST, "mine".into(), Some("own id".into())).await.unwrap();
        assert_eq!(other.offset, 2, "a client id is its account's own");
    }
}

/// Two processes whose ids are alike: they have the same node, and started in the same millisecond.
#[tokio::test]
async fn what_two_processes_write_first_is_kept_of_both() {
    for stage in stages().await {
        let process = || {
            let ids = Arc::new(Snowflake::new(0));
            let parts = Parts { ids: ids.clone(), ..stage.parts.clone() };
            (Chat::new(parts, &Settings::default()).unwrap(), ids)
        };
        let ((one, _), (other, ids)) = (process(), process());
        ids.next(stage.clock.now());
        let first = one.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        let second = other.post(&caller(3), BROADCAST, "b".into(), None).await.unwrap();
        assert_ne!(first.id, second.id);
        let kept = stage.log().await;
        let expected = [HistoryItem::Message(first), HistoryItem::Message(second)];
        assert_eq!(kept, expected, "{}: acknowledged and not kept", stage.test.engine);
    }
}

#[tokio::test]
async fn a_sequencer_goes_away_with_silence_and_comes_back_with_a_message() {
    for stage in stages().await {
        let settings = Settings { rate: kernel::Rate::Off.into(), ..Settings::default() };
        let shared = Shared {
            order: Arc::new(Order::new(stage.parts.clock.clone(), stage.parts.database.clone())),
            addresses: Arc::default(),
            spoken: Arc::default(),
        };
        let messages = Messages::with_silence(&stage.parts, shared, &settings, Duration::from_millis(1)).unwrap();
        for number in 1..=20 {
            let message = messages
                .post(&caller(2), BROADCAST, NewMessage { text: "a".into(), ..NewMessage::default() })
                .await
                .unwrap();
            assert_eq!(message.offset, number);
            while number % 2 == 0 && messages.sequencers.rooms() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}
