//! The log, on both SQL engines.

use std::sync::Arc;

use kernel::AccountId;
use ports::work::Schedule;
use tokio::task::JoinSet;

use super::{Act, DropOld};
use crate::testing::{BROADCAST, CHANNEL, anonymous, caller, stages};
use crate::{Chat, Error};

const GUEST: AccountId = AccountId::from_raw(2);

#[tokio::test]
async fn it_tells_who_did_what_to_whom_when_and_why() {
    for stage in stages().await {
        let chat = stage.chat();
        let own = chat.post(&caller(2), BROADCAST, "mine".into(), None).await.unwrap();
        let bad = chat.post(&caller(2), BROADCAST, "bad".into(), None).await.unwrap();
        chat.delete(&caller(2), BROADCAST, own.id).await.unwrap();
        chat.delete(&caller(1), BROADCAST, bad.id).await.unwrap();
        chat.delete(&caller(1), BROADCAST, bad.id).await.unwrap();
        stage.clock.advance(5);
        chat.time_out(&caller(1), BROADCAST, GUEST, 60, Some(" spam ".into())).await.unwrap();
        chat.timeouts.lift(&caller(1), BROADCAST, GUEST).await.unwrap();
        chat.timeouts.lift(&caller(1), BROADCAST, GUEST).await.unwrap();
        let page = chat.mod_log.entries(&caller(1), CHANNEL, None, 2).await.unwrap();
        let (lifted, timed_out) = (&page.items[0], &page.items[1]);
        assert_eq!((lifted.act, timed_out.act), (Act::TimeoutLifted, Act::TimedOut));
        assert_eq!(timed_out.reason.as_deref(), Some("spam"));
        assert_eq!(timed_out.detail.as_deref(), Some("60"));
        assert_eq!((timed_out.moderator.handle.as_str(), timed_out.broadcast), ("person_1", Some(BROADCAST)));
        assert_eq!(timed_out.account.as_ref().unwrap().handle, "person_2");
        let before = page.next_cursor.unwrap().parse().unwrap();
        let rest = chat.mod_log.entries(&caller(1), CHANNEL, Some(before), 2).await.unwrap();
        assert_eq!((rest.items.len(), rest.next_cursor), (1, None), "what authors delete themselves is not moderation");
        assert_eq!((rest.items[0].act, rest.items[0].detail.as_deref()), (Act::MessageDeleted, Some("bad")));
        for (caller, signed_in) in [(caller(2), true), (anonymous(), false)] {
            let refused = chat.mod_log.entries(&caller, CHANNEL, None, 2).await.unwrap_err();
            assert_eq!(matches!(refused, Error::NotAllowed), signed_in, "{refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deletion_has_one_entry_however_many_delete() {
    for stage in stages().await {
        let chats: Vec<Arc<Chat>> = (0..8).map(|_| Arc::new(stage.unlimited())).collect();
        for round in 1..=10 {
            let bad = chats[0].post(&caller(2), BROADCAST, "bad".into(), None).await.unwrap();
            let mut moderators = JoinSet::new();
            for chat in &chats {
                let chat = chat.clone();
                moderators.spawn(async move { chat.delete(&caller(1), BROADCAST, bad.id).await.unwrap() });
            }
            moderators.join_all().await;
            let entries = chats[0].mod_log.entries(&caller(1), CHANNEL, None, 50).await.unwrap().items;
            assert_eq!(entries.len(), round, "{}", stage.test.engine);
        }
    }
}

#[tokio::test]
async fn entries_leave_after_ninety_days() {
    for stage in stages().await {
        let chat = stage.chat();
        chat.time_out(&caller(1), BROADCAST, GUEST, 60, None).await.unwrap();
        let drop_old = DropOld::new(stage.clock.clone(), stage.test.database.clone());
        stage.clock.advance(90 * 24 * 60 * 60 * 1_000);
        drop_old.run().await.unwrap();
        assert_eq!(chat.mod_log.entries(&caller(1), CHANNEL, None, 50).await.unwrap().items.len(), 1);
        stage.clock.advance(1);
        drop_old.run().await.unwrap();
        assert!(chat.mod_log.entries(&caller(1), CHANNEL, None, 50).await.unwrap().items.is_empty());
    }
}

#[test]
fn every_act_has_one_word() {
    for (act, word) in [(Act::MessageDeleted, "message_deleted"), (Act::HeldRejected, "held_rejected")] {
        assert_eq!((act.word(), Act::of(word)), (word, Some(act)));
        assert_eq!(serde_json::to_value(act).unwrap(), word);
    }
}
