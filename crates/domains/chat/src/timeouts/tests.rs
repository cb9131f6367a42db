//! Timeouts, on both SQL engines.

use kernel::AccountId;
use ports::work::Schedule;

use super::DropExpired;
use crate::Error;
use crate::messages;
use crate::testing::{BROADCAST, HOST, administrator, anonymous, caller, stages};

const GUEST: AccountId = AccountId::from_raw(2);

#[tokio::test]
async fn a_timeout_silences_ends_by_its_time_and_can_be_lifted() {
    for stage in stages().await {
        let chat = stage.chat();
        let guest = caller(2);
        let post = || chat.post(&guest, BROADCAST, "a".into(), None);
        post().await.unwrap();
        chat.time_out(&caller(1), BROADCAST, GUEST, 60, Some(" spam ".into())).await.unwrap();
        stage.clock.advance(500);
        assert!(matches!(post().await, Err(messages::Error::TimedOut { seconds: 60 })));
        chat.post(&caller(3), BROADCAST, "others write on".into(), None).await.unwrap();
        stage.clock.advance(59_500);
        post().await.unwrap();

        chat.time_out(&caller(1), BROADCAST, GUEST, 600, None).await.unwrap();
        chat.time_out(&administrator(9), BROADCAST, GUEST, 10, None).await.unwrap();
        assert!(matches!(post().await, Err(messages::Error::TimedOut { seconds: 10 })), "the later one counts");
        chat.timeouts.lift(&caller(1), BROADCAST, GUEST).await.unwrap();
        chat.timeouts.lift(&caller(1), BROADCAST, GUEST).await.unwrap();
        post().await.unwrap();
        assert_eq!(stage.log().await.len(), 4);
    }
}

#[tokio::test]
async fn a_resend_of_what_was_kept_before_the_timeout_is_known() {
    for stage in stages().await {
        let chat = stage.chat();
        let guest = caller(2);
        let post = || chat.post(&guest, BROADCAST, "a".into(), Some("own id".into()));
        let first = post().await.unwrap();
        chat.time_out(&caller(1), BROADCAST, GUEST, 60, None).await.unwrap();
        assert_eq!(post().await.unwrap(), first);
    }
}

#[tokio::test]
async fn only_moderators_set_list_and_lift() {
    for stage in stages().await {
        let chat = stage.chat();
        for (caller, guest) in [(caller(3), true), (anonymous(), false)] {
            let refusals = [
                chat.time_out(&caller, BROADCAST, GUEST, 60, None).await.unwrap_err(),
                chat.timeouts.lift(&caller, BROADCAST, GUEST).await.unwrap_err(),
                chat.timeouts.list(&caller, BROADCAST, None, 50).await.unwrap_err(),
            ];
            let right =
                |error: &Error| matches!((guest, error), (true, Error::NotAllowed) | (false, Error::SignInRequired));
            assert!(refusals.iter().all(right), "{refusals:?}");
        }
        let host = caller(1);
        let refused =
            |account, seconds, reason: Option<String>| chat.time_out(&host, BROADCAST, account, seconds, reason);
        assert!(matches!(refused(HOST, 60, None).await, Err(Error::Protected)));
        assert!(matches!(refused(AccountId::from_raw(5_000), 60, None).await, Err(Error::AccountUnknown)));
        assert!(matches!(refused(GUEST, 0, None).await, Err(Error::Seconds(0))));
        assert!(matches!(refused(GUEST, 604_801, None).await, Err(Error::Seconds(604_801))));
        assert!(matches!(refused(GUEST, 60, Some("x".repeat(201))).await, Err(Error::Reason)));
        assert!(chat.timeouts.list(&host, BROADCAST, None, 50).await.unwrap().items.is_empty());
    }
}

#[tokio::test]
async fn the_list_shows_who_is_silenced_now_page_by_page() {
    for stage in stages().await {
        let chat = stage.chat();
        for number in 2..=6 {
            let seconds = if number == 4 { 10 } else { 60 };
            let reason = (number == 2).then(|| "spam".to_owned());
            chat.time_out(&caller(1), BROADCAST, AccountId::from_raw(number), seconds, reason).await.unwrap();
        }
        stage.clock.advance(10_000);
        let first = chat.timeouts.list(&caller(1), BROADCAST, None, 3).await.unwrap();
        let accounts: Vec<i64> = first.items.iter().map(|timeout| timeout.account.id.raw()).collect();
        assert_eq!((accounts, first.next_cursor.as_deref()), (vec![2, 3, 5], Some("5")));
        assert_eq!(first.items[0].account.handle, "person_2");
        assert_eq!(first.items[0].reason.as_deref(), Some("spam"));
        let rest = chat.timeouts.list(&caller(1), BROADCAST, Some(AccountId::from_raw(5)), 3).await.unwrap();
        assert_eq!((rest.items.len(), rest.next_cursor), (1, None));

        DropExpired::new(stage.clock.clone(), stage.test.database.clone()).run().await.unwrap();
        let left: i64 = ports::sqlx::query_scalar("SELECT COUNT(*) FROM chat_timeouts")
            .fetch_one(stage.test.database.reader())
            .await
            .unwrap();
        assert_eq!(left, 4);
    }
}
