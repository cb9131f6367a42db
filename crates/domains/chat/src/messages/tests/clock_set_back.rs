//! A clock that is set back by an hour in the middle of a conversation.

use kernel::Rate;

use crate::messages::{Error, HistoryItem, Message, NewMessage};
use crate::testing::{BROADCAST, caller, stages};
use crate::{Chat, Settings};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn messages_keep_their_places_and_their_order() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let post = async |text: String, reply_to| {
            let message = NewMessage { client_id: Some(text.clone()), text, reply_to };
            chat.messages.post(&caller(2), BROADCAST, message).await.unwrap()
        };
        let mut said: Vec<Message> = Vec::new();
        for set_by_ms in [0, -HOUR_MS, 10, 2 * HOUR_MS, -HOUR_MS] {
            stage.clock.advance(set_by_ms);
            for _ in 0..4 {
                let answered = said.last().map(|message| message.id);
                said.push(post(format!("message {}", said.len()), answered).await);
            }
            assert_eq!(post("message 0".into(), None).await, said[0], "a resend is known, whenever it was sent first");
        }
        assert!(said.is_sorted_by_key(|message| message.id), "ids grow");
        let kept = stage.log().await;
        assert_eq!(kept.len(), said.len());
        for (item, message) in kept.iter().zip(&said) {
            assert!(matches!(item, HistoryItem::Message(kept) if kept == message), "{item:?} {message:?}");
        }
        for (publication, place) in stage.heard.publications().iter().zip(1..) {
            assert_eq!(publication.position.as_ref().unwrap().offset, place);
        }

        let mut before = None;
        let mut pages = Vec::new();
        loop {
            let page = chat.history(BROADCAST, before, 7).await.unwrap();
            let items = page.items.iter().map(|item| serde_json::from_str::<Message>(item.get()).unwrap());
            pages.splice(0..0, items.collect::<Vec<_>>());
            let Some(cursor) = page.next_cursor else { break };
            before = Some(cursor.parse().unwrap());
        }
        assert_eq!(pages, said, "history, page by page");

        chat.delete(&caller(2), BROADCAST, said[3].id).await.unwrap();
        let kept = stage.log().await;
        assert!(matches!(&kept[3], HistoryItem::Deleted(_)) && kept.len() == said.len() + 1, "{kept:?}");
    }
}

#[tokio::test]
async fn nobody_has_to_wait_for_the_hour_to_come_again() {
    for stage in stages().await {
        let settings = Settings { rate: "3/30s".parse().unwrap(), room_rate: Rate::Off.into(), ..Settings::default() };
        let chat = Chat::new(stage.parts.clone(), &settings).unwrap();
        let post = async || chat.post(&caller(2), BROADCAST, "a".into(), None).await;
        for _ in 0..3 {
            post().await.unwrap();
        }
        assert!(matches!(post().await, Err(Error::TooFast { seconds: 30 })));
        stage.clock.advance(-HOUR_MS);
        assert!(matches!(post().await, Err(Error::TooFast { seconds: 30 })), "for a window at the most");
        stage.clock.advance(30_000);
        for _ in 0..3 {
            post().await.unwrap();
        }
    }
}
