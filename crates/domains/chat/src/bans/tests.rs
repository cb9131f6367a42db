//! Bans of accounts and addresses, on both SQL engines.

use std::net::IpAddr;

use kernel::{AccountId, Caller};
use ports::work::{Place, Schedule};

use super::{DropExpired, ForgetAddresses, NewAddressBan, NewBan};
use crate::Error;
use crate::messages;
use crate::testing::{BROADCAST, CHANNEL, HOST, caller, stages};
use crate::{Chat, mod_log::Act};

const GUEST: AccountId = AccountId::from_raw(2);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn at(account: i64, address: &str) -> Caller {
    Caller { address: address.parse::<IpAddr>().unwrap(), ..caller(account) }
}

async fn says(chat: &Chat, caller: &Caller) -> Result<(), messages::Error> {
    chat.post(caller, BROADCAST, "a".into(), None).await.map(|_| ())
}

#[tokio::test]
async fn a_banned_account_writes_nowhere_in_the_channel_until_it_is_unbanned() {
    for stage in stages().await {
        let chat = stage.unlimited();
        says(&chat, &caller(2)).await.unwrap();
        let host = caller(1);
        let ban = || chat.bans.ban(&host, CHANNEL, NewBan { account: GUEST, reason: Some("spam".into()) });
        ban().await.unwrap();
        ban().await.unwrap();
        assert!(matches!(says(&chat, &caller(2)).await, Err(messages::Error::Banned)));
        assert!(matches!(says(&stage.unlimited(), &caller(2)).await, Err(messages::Error::Banned)), "a ban is kept");
        says(&chat, &caller(3)).await.unwrap();
        let list = chat.bans.list(&caller(1), CHANNEL, None, 10).await.unwrap();
        assert_eq!(list.items[0].account.handle, "person_2");
        assert_eq!(list.items[0].reason.as_deref(), Some("spam"));
        chat.bans.unban(&caller(1), CHANNEL, GUEST).await.unwrap();
        chat.bans.unban(&caller(1), CHANNEL, GUEST).await.unwrap();
        says(&chat, &caller(2)).await.unwrap();
        let entries = chat.mod_log.entries(&caller(1), CHANNEL, None, 10).await.unwrap().items;
        assert_eq!(entries.iter().map(|entry| entry.act).collect::<Vec<_>>(), [Act::Unbanned, Act::Banned]);
        let refused = |by: Caller, account| {
            let chat = &chat;
            async move { chat.bans.ban(&by, CHANNEL, NewBan { account, reason: None }).await.unwrap_err() }
        };
        assert!(matches!(refused(caller(3), GUEST).await, Error::NotAllowed));
        assert!(matches!(refused(caller(1), HOST).await, Error::Protected));
        assert!(matches!(refused(caller(1), AccountId::from_raw(5_000)).await, Error::AccountUnknown));
    }
}

#[tokio::test]
async fn whoever_comes_from_a_banned_address_may_not_write_and_nobody_sees_it() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let address = |account| NewAddressBan { account: Some(account), ..NewAddressBan::default() };
        let unknown = chat.bans.ban_address(&caller(1), CHANNEL, address(GUEST)).await;
        assert!(matches!(unknown, Err(Error::AddressUnknown)));
        says(&chat, &at(2, "2001:db8:1:2::7")).await.unwrap();
        let ban = chat.bans.ban_address(&caller(1), CHANNEL, address(GUEST)).await.unwrap();
        let shown = serde_json::to_string(&ban).unwrap();
        assert!(!shown.contains("db8") && shown.contains("person_2"), "{shown}");
        assert!(matches!(says(&chat, &at(3, "2001:db8:1:2:ffff::1")).await, Err(messages::Error::Banned)));
        says(&chat, &at(2, "2001:db8:1:3::7")).await.unwrap();
        says(&chat, &at(1, "2001:db8:1:2::7")).await.unwrap();
        let list = chat.bans.addresses(&caller(1), CHANNEL, None, 10).await.unwrap();
        assert_eq!(list.items, std::slice::from_ref(&ban));
        let log = chat.mod_log.entries(&caller(1), CHANNEL, None, 10).await.unwrap();
        assert!(!serde_json::to_string(&log.items).unwrap().contains("db8"));

        chat.bans.unban_address(&caller(1), CHANNEL, ban.id).await.unwrap();
        says(&chat, &at(3, "2001:db8:1:2:ffff::1")).await.unwrap();
        let again = chat.bans.unban_address(&caller(1), CHANNEL, ban.id).await;
        assert!(matches!(again, Err(Error::Unknown(_))));
    }
}

#[tokio::test]
async fn a_range_is_banned_for_some_days() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let ban = |range: &str, days| {
            let new = NewAddressBan { range: Some(range.into()), days, ..NewAddressBan::default() };
            let chat = &chat;
            async move { chat.bans.ban_address(&caller(1), CHANNEL, new).await }
        };
        let made = ban("192.0.2.9/24", Some(2)).await.unwrap();
        assert_eq!(made.range.as_deref(), Some("192.0.2.0/24"));
        assert!(matches!(says(&chat, &at(2, "192.0.2.200")).await, Err(messages::Error::Banned)));
        stage.clock.advance(2 * DAY_MS);
        says(&chat, &at(2, "192.0.2.200")).await.unwrap();
        DropExpired(chat.bans.clone()).run().await.unwrap();
        let left: i64 = ports::sqlx::query_scalar("SELECT COUNT(*) FROM chat_address_bans")
            .fetch_one(stage.test.database.reader())
            .await
            .unwrap();
        assert_eq!(left, 0);
        for (range, days) in
            [("192.0.2.0/8", None), ("nowhere", None), ("192.0.2.1", Some(0)), ("192.0.2.1", Some(366))]
        {
            assert!(matches!(ban(range, days).await, Err(Error::Value { .. })), "{range}");
        }
        let both = NewAddressBan { account: Some(GUEST), range: Some("192.0.2.1".into()), ..NewAddressBan::default() };
        for new in [both, NewAddressBan::default()] {
            assert!(matches!(chat.bans.ban_address(&caller(1), CHANNEL, new).await, Err(Error::Value { .. })));
        }
    }
}

#[tokio::test]
async fn an_address_is_known_to_the_process_it_wrote_through_and_forgotten_after_a_day() {
    for stage in stages().await {
        let chat = stage.unlimited();
        says(&chat, &at(2, "192.0.2.7")).await.unwrap();
        let new = NewAddressBan { account: Some(GUEST), ..NewAddressBan::default() };
        let other = stage.unlimited().bans.ban_address(&caller(1), CHANNEL, new).await.unwrap_err();
        let problem = kernel::Problem::from(other);
        assert_eq!(problem.code, "address_unknown");
        assert!(problem.detail.contains("The process that answers"), "{}", problem.detail);
        let forget = ForgetAddresses(chat.bans.clone());
        stage.clock.advance(DAY_MS - 1);
        forget.run().await.unwrap();
        assert_eq!(chat.bans.addresses_known(), 1);
        stage.clock.advance(1);
        let new = NewAddressBan { account: Some(GUEST), ..NewAddressBan::default() };
        let unknown = chat.bans.ban_address(&caller(1), CHANNEL, new).await;
        assert!(matches!(unknown, Err(Error::AddressUnknown)));
        says(&chat, &at(2, "192.0.2.7")).await.unwrap();
        stage.clock.advance(DAY_MS);
        forget.run().await.unwrap();
        assert_eq!(chat.bans.addresses_known(), 0);
        assert_eq!((forget.place(), DropExpired(chat.bans.clone()).place()), (Place::Memory, Place::Site));
    }
}
