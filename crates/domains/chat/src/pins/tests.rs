//! The pinned message, on both SQL engines.

use kernel::MessageId;

use crate::messages::{self, HistoryItem};
use crate::testing::{BROADCAST, CHANNEL, caller, stages};
use crate::{Chat, Error};

async fn pinned(chat: &Chat) -> Option<String> {
    chat.pins.pinned(BROADCAST).await.unwrap().map(|pinned| pinned.message.text)
}

#[tokio::test]
async fn one_message_is_pinned_replaced_and_taken_down() {
    for stage in stages().await {
        let chat = stage.chat();
        assert_eq!(pinned(&chat).await, None);
        let first = chat.post(&caller(2), BROADCAST, "first".into(), None).await.unwrap();
        let second = chat.post(&caller(1), BROADCAST, "second".into(), None).await.unwrap();
        chat.moderators.appoint(&caller(1), CHANNEL, "person_7").await.unwrap();
        chat.pins.pin(&caller(7), BROADCAST, first.id).await.unwrap();
        assert_eq!(pinned(&stage.chat()).await.as_deref(), Some("first"));
        chat.pins.pin(&caller(1), BROADCAST, second.id).await.unwrap();
        let shown = chat.pins.pinned(BROADCAST).await.unwrap().unwrap();
        assert_eq!((shown.message, shown.by.handle.as_str()), (second.clone(), "person_1"));
        chat.pins.unpin(&caller(1), BROADCAST).await.unwrap();
        chat.pins.unpin(&caller(1), BROADCAST).await.unwrap();
        assert_eq!(pinned(&chat).await, None);
        let told: Vec<_> = stage.log().await.into_iter().skip(2).collect();
        let [HistoryItem::MessagePinned(one), HistoryItem::MessagePinned(two), HistoryItem::MessageUnpinned(down)] =
            &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!((one.id, one.message_offset, two.id, down.id), (first.id, first.offset, second.id, second.id));
    }
}

#[tokio::test]
async fn a_deleted_message_is_pinned_nowhere() {
    for stage in stages().await {
        let chat = stage.chat();
        let message = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        chat.pins.pin(&caller(1), BROADCAST, message.id).await.unwrap();
        chat.delete(&caller(2), BROADCAST, message.id).await.unwrap();
        assert_eq!(pinned(&chat).await, None);
        let again = chat.pins.pin(&caller(1), BROADCAST, message.id).await;
        assert!(matches!(again, Err(Error::Message(messages::Error::MessageDeleted))));
        let nothing = chat.pins.pin(&caller(1), BROADCAST, MessageId::from_raw(5)).await;
        assert!(matches!(nothing, Err(Error::Message(messages::Error::MessageUnknown))));
        assert!(matches!(chat.pins.pin(&caller(2), BROADCAST, message.id).await, Err(Error::NotAllowed)));
        assert!(matches!(chat.pins.unpin(&caller(2), BROADCAST).await, Err(Error::NotAllowed)));
    }
}
