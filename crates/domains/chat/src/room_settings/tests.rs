//! The modes as writers and readers meet them, on both SQL engines.

use kernel::{AccountId, Caller, Snowflake, ids::SNOWFLAKE_EPOCH_MS};
use ports::work::Schedule;

use super::{RoomSettings, RoomSettingsChange};
use crate::messages::{Error, ForgetSlowMode, HistoryItem};
use crate::testing::{BROADCAST, CHANNEL, Stage, administrator, caller, stages};
use crate::{Chat, Settings};

async fn set(chat: &Chat, change: RoomSettingsChange) -> RoomSettings {
    chat.room_settings.change(&caller(1), CHANNEL, &change).await.unwrap()
}

async fn says(chat: &Chat, caller: &Caller, text: &str) -> Result<(), Error> {
    chat.post(caller, BROADCAST, text.into(), None).await.map(|_| ())
}

/// The host, an administrator and an appointed moderator write whatever the modes are.
async fn those_who_keep_order_write(chat: &Chat) {
    for keeper in [caller(1), administrator(9), caller(7)] {
        says(chat, &keeper, "order").await.unwrap();
        says(chat, &keeper, "order").await.unwrap();
    }
}

async fn with_moderator(stage: &Stage) -> Chat {
    let chat = stage.unlimited();
    chat.moderators.appoint(&caller(1), CHANNEL, "person_7").await.unwrap();
    chat
}

#[tokio::test]
async fn read_only_and_emote_only_hold_for_the_next_message() {
    for stage in stages().await {
        let chat = with_moderator(&stage).await;
        set(&chat, RoomSettingsChange { read_only: Some(true), ..Default::default() }).await;
        assert!(matches!(says(&chat, &caller(2), "a").await, Err(Error::ReadOnly)));
        those_who_keep_order_write(&chat).await;
        let change = RoomSettingsChange { read_only: Some(false), emote_only: Some(true), ..Default::default() };
        set(&chat, change).await;
        assert!(matches!(says(&chat, &caller(2), "hi 👋").await, Err(Error::EmoteOnly)));
        says(&chat, &caller(2), "👋 :lantern:").await.unwrap();
        those_who_keep_order_write(&chat).await;
    }
}

#[tokio::test]
async fn slow_mode_lets_an_account_write_now_and_then() {
    for stage in stages().await {
        let chat = with_moderator(&stage).await;
        says(&chat, &caller(2), "before").await.unwrap();
        set(&chat, RoomSettingsChange { slow_mode_s: Some(10), ..Default::default() }).await;
        let refused = says(&chat, &caller(2), "too fast").await;
        assert!(matches!(refused, Err(Error::SlowMode { every: 10, seconds: 10 })), "{refused:?}");
        says(&chat, &caller(3), "another").await.unwrap();
        those_who_keep_order_write(&chat).await;
        stage.clock.advance(9_001);
        assert!(matches!(says(&chat, &caller(2), "a").await, Err(Error::SlowMode { seconds: 1, .. })));
        stage.clock.advance(999);
        let guest = caller(2);
        let post = || chat.post(&guest, BROADCAST, "now".into(), Some("own id".into()));
        let first = post().await.unwrap();
        assert_eq!(post().await.unwrap(), first, "a resend is no second message");
    }
}

#[tokio::test]
async fn two_processes_let_as_much_through_in_slow_mode_as_one() {
    for stage in stages().await {
        let (one, other) = (stage.one_of_several(), stage.one_of_several());
        set(&one, RoomSettingsChange { slow_mode_s: Some(10), ..Default::default() }).await;
        let guest = caller(2);
        let both = async || {
            let (here, there) = tokio::join!(says(&one, &guest, "a"), says(&other, &guest, "b"));
            let refused = if here.is_ok() { there } else { here };
            assert!(matches!(refused, Err(Error::SlowMode { every: 10, seconds: 10 })), "{refused:?}");
        };
        for round in 1..=10 {
            both().await;
            assert_eq!(stage.log().await.len(), 1 + round, "{}", stage.test.engine);
            stage.clock.advance(10_000);
        }
        // A clock that is set back makes nobody wait for longer.
        let third = stage.one_of_several();
        stage.clock.advance(-900_000);
        assert!(matches!(says(&third, &guest, "c").await, Err(Error::SlowMode { seconds: 10, .. })));
        stage.clock.advance(10_000);
        says(&third, &guest, "c").await.unwrap();
        stage.clock.advance(3_600_001);
        ForgetSlowMode::new(stage.clock.clone(), stage.test.database.clone()).run().await.unwrap();
        let left: i64 = ports::sqlx::query_scalar("SELECT COUNT(*) FROM chat_slow_mode")
            .fetch_one(stage.test.database.reader())
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn members_are_approved_or_old_enough() {
    for stage in stages().await {
        let chat = with_moderator(&stage).await;
        let now_ms = crate::testing::START_MS;
        let made = kernel::Timestamp::from_millis(now_ms - 60_000);
        let young = caller(Snowflake::new(0).next(made));
        assert!(now_ms > SNOWFLAKE_EPOCH_MS);
        set(&chat, RoomSettingsChange { members_only: Some(true), ..Default::default() }).await;
        for guest in [&young, &caller(2)] {
            assert!(matches!(says(&chat, guest, "a").await, Err(Error::MembersOnly { seconds: None })));
        }
        chat.members.approve(&caller(7), CHANNEL, "person_2").await.unwrap();
        chat.members.approve(&caller(7), CHANNEL, "person_2").await.unwrap();
        says(&chat, &caller(2), "a").await.unwrap();
        those_who_keep_order_write(&chat).await;
        set(&chat, RoomSettingsChange { member_after_minutes: Some(Some(10)), ..Default::default() }).await;
        let refused = says(&chat, &young, "a").await;
        assert!(matches!(refused, Err(Error::MembersOnly { seconds: Some(540) })), "{refused:?}");
        stage.clock.advance(540_000);
        says(&chat, &young, "a").await.unwrap();

        let members = chat.members.list(&caller(1), CHANNEL, None, 10).await.unwrap();
        assert_eq!(members.items[0].account.handle, "person_2");
        chat.members.remove(&caller(1), CHANNEL, AccountId::from_raw(2)).await.unwrap();
        set(&chat, RoomSettingsChange { member_after_minutes: Some(None), ..Default::default() }).await;
        assert!(matches!(says(&chat, &caller(2), "a").await, Err(Error::MembersOnly { seconds: None })));
        let refused = chat.members.approve(&caller(2), CHANNEL, "person_2").await;
        assert!(matches!(refused, Err(crate::Error::NotAllowed)));
    }
}

#[tokio::test]
async fn readers_are_told_in_the_order_of_the_log_and_settings_last() {
    for stage in stages().await {
        let chat = stage.chat();
        says(&chat, &caller(2), "a").await.unwrap();
        let change = RoomSettingsChange { slow_mode_s: Some(5), ..Default::default() };
        let settings = set(&chat, change).await;
        set(&chat, change).await;
        says(&chat, &caller(3), "b").await.unwrap();
        let log = stage.log().await;
        assert_eq!(log.len(), 3, "what changes nothing is not told");
        assert!(matches!(&log[1], HistoryItem::RoomChanged(changed) if changed.settings == settings), "{log:?}");
        let later = stage.chat();
        assert_eq!(later.room_settings.read(CHANNEL).await.unwrap(), settings);
        let refused = chat.room_settings.change(&caller(2), CHANNEL, &change).await;
        assert!(matches!(refused, Err(crate::Error::NotAllowed)));
        let entries = chat.mod_log.entries(&caller(1), CHANNEL, None, 10).await.unwrap().items;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].detail.as_deref(), Some("slow_mode_s=5"));
    }
}

#[tokio::test]
async fn two_desks_that_change_two_modes_at_once_both_have_their_way() {
    for stage in stages().await {
        let (one, other) = (stage.unlimited(), stage.unlimited());
        for round in 1..=20 {
            let slow = RoomSettingsChange { slow_mode_s: Some(round), ..Default::default() };
            let read_only = RoomSettingsChange { read_only: Some(round % 2 == 1), ..Default::default() };
            tokio::join!(set(&one, slow), set(&other, read_only));
            let kept = stage.unlimited().room_settings.read(CHANNEL).await.unwrap();
            let expected = RoomSettings { slow_mode_s: round, read_only: round % 2 == 1, ..Default::default() };
            assert_eq!(kept, expected, "{}", stage.test.engine);
            let log = stage.log().await;
            let Some(HistoryItem::RoomChanged(last)) = log.last() else { panic!("{log:?}") };
            assert_eq!(last.settings, expected, "{}: readers are told it last", stage.test.engine);
        }
    }
}

#[tokio::test]
async fn a_room_takes_so_many_messages_of_its_viewers_together() {
    for stage in stages().await {
        let settings = Settings { room_rate: "3/10s".parse().unwrap(), ..Settings::default() };
        let chat = Chat::new(stage.parts.clone(), &settings).unwrap();
        for number in 2..5 {
            says(&chat, &caller(number), "a").await.unwrap();
        }
        let refused = says(&chat, &caller(5), "a").await;
        assert!(matches!(refused, Err(Error::RoomRate { seconds: 4, .. })), "{refused:?}");
        says(&chat, &caller(1), "the host").await.unwrap();
        stage.clock.advance(3_334);
        says(&chat, &caller(5), "a").await.unwrap();
    }
}
