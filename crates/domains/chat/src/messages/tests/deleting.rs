//! Deleting: who may, and what is left.

use kernel::MessageId;

use crate::messages::{Error, HistoryItem, room_name};
use crate::testing::{BROADCAST, administrator, anonymous, caller, stages};

#[tokio::test]
async fn a_deleted_message_leaves_a_tombstone_and_its_deletion_is_published() {
    for stage in stages().await {
        let chat = stage.chat();
        let secret = chat.post(&caller(2), BROADCAST, "a secret".into(), Some("1".into())).await.unwrap();
        chat.post(&caller(3), BROADCAST, "stays".into(), None).await.unwrap();
        chat.delete(&caller(1), BROADCAST, secret.id).await.unwrap();

        let log = stage.log().await;
        let HistoryItem::Deleted(tombstone) = &log[0] else { panic!("{:?}", log[0]) };
        assert_eq!((tombstone.id, tombstone.at, tombstone.offset), (secret.id, secret.at, 1));
        let HistoryItem::MessageDeleted(deletion) = &log[2] else { panic!("{:?}", log[2]) };
        assert_eq!((deletion.id, deletion.message_offset, deletion.offset), (secret.id, 1, 3));
        let records = stage.parts.log.read(&room_name(BROADCAST), 1, 100).await.unwrap();
        assert!(records.iter().all(|record| !String::from_utf8_lossy(&record.data).contains("secret")));

        chat.delete(&caller(1), BROADCAST, secret.id).await.unwrap();
        assert_eq!(stage.log().await.len(), 3, "to delete again changes nothing");
        let resent = chat.post(&caller(2), BROADCAST, "a secret".into(), Some("1".into())).await;
        assert!(matches!(resent, Err(Error::MessageDeleted)), "a resend does not bring it back: {resent:?}");
        chat.post(&caller(3), BROADCAST, "on".into(), None).await.unwrap();
        let heard = stage.heard.publications();
        let offsets: Vec<u64> = heard.iter().map(|one| one.position.as_ref().unwrap().offset).collect();
        assert_eq!(offsets[..3], [1, 2, 3]);
        assert_eq!(heard[2].data, records[2].data);
        let redaction = heard[2].redacts.as_ref().unwrap();
        assert_eq!((redaction.offset, &redaction.replacement), (1, &records[0].data), "listeners replace it as well");
        assert!(heard.iter().enumerate().all(|(place, one)| one.redacts.is_some() == (place == 2)));
    }
}

#[tokio::test]
async fn its_author_the_host_and_administrators_may_delete() {
    for stage in stages().await {
        let chat = stage.chat();
        for allowed in [caller(2), caller(1), administrator(9)] {
            let message = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
            let (stranger, nobody) = (caller(3), anonymous());
            assert!(matches!(chat.delete(&stranger, BROADCAST, message.id).await, Err(Error::NotAllowed)));
            assert!(matches!(chat.delete(&nobody, BROADCAST, message.id).await, Err(Error::SignInRequired)));
            chat.delete(&allowed, BROADCAST, message.id).await.unwrap();
        }
        let unknown = chat.delete(&caller(1), BROADCAST, MessageId::from_raw(1)).await;
        assert!(matches!(unknown, Err(Error::MessageUnknown)));
        assert_eq!(stage.log().await.len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_deletions_at_once_are_one() {
    for stage in stages().await {
        let chats = [stage.chat(), stage.chat()].map(std::sync::Arc::new);
        let message = chats[0].post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        let mut deletions = tokio::task::JoinSet::new();
        for number in 0..10 {
            let chat = chats[number % 2].clone();
            deletions.spawn(async move { chat.delete(&caller(1), BROADCAST, message.id).await.unwrap() });
        }
        deletions.join_all().await;
        let log = stage.log().await;
        assert!(matches!(log[..], [HistoryItem::Deleted(_), HistoryItem::MessageDeleted(_)]), "{log:?}");
    }
}
