//! What a page sees of a room, on both SQL engines.

use kernel::AccountId;

use crate::Error;
use crate::bans::NewBan;
use crate::moderators::Role;
use crate::testing::{BROADCAST, CHANNEL, administrator, anonymous, caller, stages};

#[tokio::test]
async fn the_caller_sees_what_they_are() {
    for stage in stages().await {
        let chat = stage.chat();
        chat.moderators.appoint(&caller(1), CHANNEL, "person_7").await.unwrap();
        let you = |caller| {
            let chat = &chat;
            async move { chat.room_states.state(&caller, BROADCAST).await.unwrap().you }
        };
        assert_eq!(you(anonymous()).await, None);
        for (caller, role) in [
            (caller(1), Role::Host),
            (administrator(9), Role::Administrator),
            (caller(7), Role::Moderator),
            (caller(2), Role::Viewer),
        ] {
            let you = you(caller).await.unwrap();
            assert_eq!((you.role, you.member, you.banned), (role, role != Role::Viewer, false));
        }
        let until = chat.time_out(&caller(1), BROADCAST, AccountId::from_raw(2), 60, None).await.unwrap().until;
        assert_eq!(you(caller(2)).await.unwrap().timed_out_until, Some(until));
        stage.clock.advance(60_000);
        assert_eq!(you(caller(2)).await.unwrap().timed_out_until, None);
        let ban = NewBan { account: AccountId::from_raw(2), reason: None };
        chat.bans.ban(&caller(1), CHANNEL, ban).await.unwrap();
        assert!(you(caller(2)).await.unwrap().banned);
        let elsewhere = chat.room_states.state(&caller(2), kernel::BroadcastId::from_raw(18)).await;
        assert!(matches!(elsewhere, Err(Error::BroadcastUnknown)));
        let json = serde_json::to_value(chat.room_states.state(&anonymous(), BROADCAST).await.unwrap()).unwrap();
        assert_eq!((&json["pinned"], &json["you"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert!(json["emotes"].as_array().unwrap().iter().any(|emote| emote["code"] == "lantern"));
    }
}
