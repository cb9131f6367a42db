//! Appointing, dismissing, and what that allows, on both SQL engines.

use kernel::AccountId;

use crate::messages;
use crate::testing::{BROADCAST, CHANNEL, HOST, administrator, anonymous, caller, stages};
use crate::{Chat, Error};

const GUEST: AccountId = AccountId::from_raw(2);
const MODERATOR: AccountId = AccountId::from_raw(7);

#[tokio::test]
async fn the_streamer_appoints_and_dismisses() {
    for stage in stages().await {
        let chat = stage.chat();
        let message = chat.post(&caller(2), BROADCAST, "a".into(), None).await.unwrap();
        assert!(matches!(chat.delete(&caller(7), BROADCAST, message.id).await, Err(messages::Error::NotAllowed)));
        let person = chat.moderators.appoint(&caller(1), CHANNEL, "Person_7").await.unwrap();
        assert_eq!(person.id, MODERATOR);
        chat.moderators.appoint(&caller(1), CHANNEL, "person_7").await.unwrap();
        let other = stage.chat();
        for chat in [&chat, &other] {
            let written = chat.post(&caller(7), BROADCAST, "b".into(), None).await.unwrap();
            assert!(written.account.moderator && !written.account.host);
        }
        assert!(!chat.post(&caller(1), BROADCAST, "c".into(), None).await.unwrap().account.moderator);
        chat.delete(&caller(7), BROADCAST, message.id).await.unwrap();
        chat.time_out(&caller(7), BROADCAST, GUEST, 60, None).await.unwrap();
        let list = chat.moderators.list(&caller(7), CHANNEL).await.unwrap();
        assert_eq!(list.iter().map(|one| one.account.id).collect::<Vec<_>>(), [MODERATOR]);

        chat.moderators.dismiss(&caller(1), CHANNEL, MODERATOR).await.unwrap();
        chat.moderators.dismiss(&caller(1), CHANNEL, MODERATOR).await.unwrap();
        let refused = chat.time_out(&caller(7), BROADCAST, GUEST, 60, None).await;
        assert!(matches!(refused, Err(Error::NotAllowed)));
        stage.clock.advance(1_000);
        let refused = other.time_out(&caller(7), BROADCAST, GUEST, 60, None).await;
        assert!(matches!(refused, Err(Error::NotAllowed)), "another process knows a second later");
        let acts: Vec<_> = log(&chat).await;
        assert_eq!(acts, ["ModeratorDismissed", "TimedOut", "MessageDeleted", "ModeratorAppointed"]);
    }
}

#[tokio::test]
async fn who_may_not_is_refused() {
    for stage in stages().await {
        let chat = stage.chat();
        chat.moderators.appoint(&administrator(9), CHANNEL, "person_7").await.unwrap();
        chat.moderators.appoint(&caller(1), CHANNEL, "person_8").await.unwrap();
        let appoint = |caller, channel: &'static str, handle: &'static str| {
            let chat = &chat;
            async move { chat.moderators.appoint(&caller, channel, handle).await.unwrap_err() }
        };
        assert!(matches!(appoint(anonymous(), CHANNEL, "person_3").await, Error::SignInRequired));
        assert!(matches!(appoint(caller(3), CHANNEL, "person_3").await, Error::NotAllowed));
        assert!(matches!(appoint(caller(7), CHANNEL, "person_3").await, Error::NotStreamer));
        assert!(matches!(appoint(caller(1), "nobody", "person_3").await, Error::ChannelUnknown));
        assert!(matches!(appoint(caller(1), CHANNEL, "nobody").await, Error::AccountUnknown));
        let above = chat.moderators.dismiss(&caller(7), CHANNEL, AccountId::from_raw(8)).await;
        assert!(matches!(above, Err(Error::NotStreamer)));
        for silenced in [HOST, AccountId::from_raw(8)] {
            let refused = chat.time_out(&caller(7), BROADCAST, silenced, 60, None).await;
            assert!(matches!(refused, Err(Error::Protected)));
        }
        let of_host = chat.post(&caller(1), BROADCAST, "a".into(), None).await.unwrap();
        let of_other = chat.post(&caller(8), BROADCAST, "a".into(), None).await.unwrap();
        for message in [&of_host, &of_other] {
            let refused = chat.delete(&caller(7), BROADCAST, message.id).await;
            assert!(matches!(refused, Err(messages::Error::NotAllowed)));
            chat.delete(&administrator(9), BROADCAST, message.id).await.unwrap();
        }
        chat.time_out(&caller(1), BROADCAST, MODERATOR, 60, None).await.unwrap();
        chat.moderators.dismiss(&caller(7), CHANNEL, MODERATOR).await.unwrap();
        let elsewhere = chat.moderators.list(&caller(8), "person_5").await;
        assert!(matches!(elsewhere, Err(Error::NotAllowed)), "a moderator of one channel is none of another");
    }
}

#[tokio::test]
async fn what_another_process_did_a_moment_ago_is_no_obstacle() {
    for stage in stages().await {
        let (one, other) = (stage.chat(), stage.chat());
        let appoint = async |chat: &Chat| chat.moderators.appoint(&caller(1), CHANNEL, "person_7").await.unwrap();
        let listed = async || {
            let list = stage.chat().moderators.list(&caller(1), CHANNEL).await.unwrap();
            list.iter().map(|one| one.account.id).collect::<Vec<_>>()
        };
        other.moderators.list(&caller(1), CHANNEL).await.unwrap();
        appoint(&one).await;
        appoint(&other).await;
        other.moderators.list(&caller(1), CHANNEL).await.unwrap();
        one.moderators.dismiss(&caller(1), CHANNEL, MODERATOR).await.unwrap();
        appoint(&other).await;
        assert_eq!(listed().await, [MODERATOR], "{}: what is answered holds", stage.test.engine);
        assert_eq!(log(&one).await, ["ModeratorAppointed", "ModeratorDismissed", "ModeratorAppointed"]);
    }
}

#[tokio::test]
async fn a_channel_has_so_many_moderators() {
    for stage in stages().await {
        let chat = stage.chat();
        for number in 100..200 {
            chat.moderators.appoint(&caller(1), CHANNEL, &format!("person_{number}")).await.unwrap();
        }
        let full = chat.moderators.appoint(&caller(1), CHANNEL, "person_200").await;
        assert!(matches!(full, Err(Error::Full { limit: 100, .. })));
        chat.moderators.appoint(&caller(1), CHANNEL, "person_150").await.unwrap();
    }
}

async fn log(chat: &Chat) -> Vec<String> {
    let page = chat.mod_log.entries(&caller(1), CHANNEL, None, 50).await.unwrap();
    page.items.iter().map(|entry| format!("{:?}", entry.act)).collect()
}
