//! What may be posted, and what readers get.

use kernel::BroadcastId;

use crate::messages::{Error, HistoryItem, room_name};
use crate::testing::{BROADCAST, Stage, administrator, anonymous, caller, stages};
use crate::{Chat, Settings};

#[tokio::test]
async fn the_text_reaches_the_log_and_the_bus_unchanged_and_in_order() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let texts = ["  <script>alert(\"1\")</script> & ' \\ ", "줄\n바꿈", "👩‍👩‍👧 \u{202e}", "{\"a\":1}"];
        for text in texts {
            let message = chat.post(&caller(5), BROADCAST, text.into(), None).await.unwrap();
            assert_eq!(message.text, text);
        }
        let kept: Vec<HistoryItem> = stage.log().await;
        for (item, text) in kept.iter().zip(texts) {
            assert!(matches!(item, HistoryItem::Message(message) if message.text == text), "{item:?}");
        }
        let epoch = stage.parts.log.head(&room_name(BROADCAST)).await.unwrap().epoch;
        let records = stage.parts.log.read(&room_name(BROADCAST), 1, 100).await.unwrap();
        let heard = stage.heard.publications();
        assert_eq!(heard.len(), records.len());
        for (publication, record) in heard.iter().zip(&records) {
            let position = publication.position.as_ref().unwrap();
            assert_eq!((position.offset, &*position.epoch), (record.offset, epoch.as_str()));
            assert_eq!(publication.data, record.data);
        }
    }
}

#[tokio::test]
async fn a_message_tells_who_wrote_it_and_whether_as_host() {
    for stage in stages().await {
        let chat = stage.chat();
        let host = chat.post(&caller(1), BROADCAST, "hi".into(), Some("own id".into())).await.unwrap();
        let guest = chat.post(&caller(2), BROADCAST, "hello".into(), None).await.unwrap();
        assert_eq!((host.offset, guest.offset), (1, 2));
        assert!(host.account.host && !guest.account.host && host.id < guest.id);
        let json = serde_json::to_value(&host).unwrap();
        let expected = serde_json::json!({
            "type": "message", "id": host.id.to_string(), "text": "hi", "client_id": "own id",
            "at": "2026-05-28T20:26:40.000Z", "offset": 1,
            "account": {"id": "1", "handle": "person_1", "display_name": "사람 1", "host": true},
        });
        assert_eq!(json, expected);
        assert!(serde_json::to_value(&guest).unwrap().get("client_id").is_none());
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_keeps_nothing() {
    for stage in stages().await {
        let chat = stage.chat();
        let post = |caller, broadcast, text: &str, client_id: Option<&str>| {
            let (chat, text, client_id) = (&chat, text.to_owned(), client_id.map(str::to_owned));
            async move { chat.post(&caller, broadcast, text, client_id).await.unwrap_err() }
        };
        assert!(matches!(post(anonymous(), BROADCAST, "a", None).await, Error::SignInRequired));
        let nowhere = BroadcastId::from_raw(18);
        assert!(matches!(post(caller(2), nowhere, "a", None).await, Error::BroadcastUnknown));
        assert!(matches!(post(caller(2), BROADCAST, " ", None).await, Error::TextEmpty));
        assert!(matches!(post(caller(2), BROADCAST, &"a".repeat(501), None).await, Error::TextTooLong));
        assert!(matches!(post(caller(2), BROADCAST, "\0", None).await, Error::TextControl));
        assert!(matches!(post(caller(2), BROADCAST, "a", Some("")).await, Error::ClientId));
        assert!(matches!(post(caller(2), BROADCAST, "a", Some(&"i".repeat(65))).await, Error::ClientId));
        assert!(matches!(chat.history(nowhere, None, 50).await.unwrap_err(), Error::BroadcastUnknown));
        assert_eq!(stage.log().await, []);
        assert_eq!(stage.heard.publications(), []);
    }
}

#[tokio::test]
async fn a_room_is_open_until_its_broadcast_ended_and_readable_for_good() {
    for stage in stages().await {
        let strict = stage.chat();
        let lenient = Chat::new(stage.parts.clone(), &Settings { after_end_s: 60, ..Settings::default() }).unwrap();
        let first = strict.post(&caller(2), BROADCAST, "a".into(), Some("1".into())).await.unwrap();
        stage.broadcasts.end(&stage.clock);
        let refused = strict.post(&caller(2), BROADCAST, "b".into(), Some("2".into())).await;
        assert!(matches!(refused, Err(Error::RoomClosed)));
        let resent = strict.post(&caller(2), BROADCAST, "a".into(), Some("1".into())).await.unwrap();
        assert_eq!(resent, first, "what was kept before the end is known after it");
        stage.clock.advance(59_999);
        lenient.post(&caller(2), BROADCAST, "b".into(), None).await.unwrap();
        stage.clock.advance(1);
        let refused = lenient.post(&administrator(9), BROADCAST, "c".into(), None).await;
        assert!(matches!(refused, Err(Error::RoomClosed)));
        assert_eq!(strict.history(BROADCAST, None, 50).await.unwrap().items.len(), 2);
    }
}

#[tokio::test]
async fn an_account_writes_so_fast_and_the_host_five_times_as_fast() {
    for stage in stages().await {
        let settings = Settings { rate: "2/30s".parse().unwrap(), ..Settings::default() };
        let chat = Chat::new(stage.parts.clone(), &settings).unwrap();
        let post = |account, client_id: &str| {
            let (chat, client_id) = (&chat, client_id.to_owned());
            async move { chat.post(&caller(account), BROADCAST, "a".into(), Some(client_id)).await }
        };
        post(2, "1").await.unwrap();
        stage.clock.advance(10_000);
        post(2, "1").await.unwrap();
        post(2, "2").await.unwrap();
        assert!(matches!(post(2, "3").await, Err(Error::TooFast { seconds: 20 })), "a resend does not count");
        let resent = post(2, "2").await.unwrap();
        assert_eq!(resent.offset, 2, "nor is one refused");
        post(3, "1").await.unwrap();
        stage.clock.advance(20_000);
        post(2, "3").await.unwrap();
        for number in 0..10 {
            post(1, &number.to_string()).await.unwrap();
        }
        assert!(matches!(post(1, "10").await, Err(Error::TooFast { seconds: 30 })));
    }
}

#[tokio::test]
async fn history_pages_from_the_latest_to_the_first() {
    for stage in stages().await {
        let chat = stage.unlimited();
        assert!(chat.history(BROADCAST, None, 50).await.unwrap().items.is_empty());
        for number in 1..=25 {
            chat.post(&caller(2), BROADCAST, number.to_string(), None).await.unwrap();
        }
        assert_eq!(pages(&stage, &chat, None).await, [16..26, 6..16, 1..6]);
        assert_eq!(pages(&stage, &chat, Some(3)).await, vec![1..3]);
        assert_eq!(pages(&stage, &chat, Some(1_000_000)).await.len(), 3, "an offset that is to come is cut");
        assert!(chat.history(BROADCAST, Some(0), 10).await.unwrap().items.is_empty());
    }
}

async fn pages(stage: &Stage, chat: &Chat, mut before: Option<u64>) -> Vec<std::ops::Range<u64>> {
    let all = stage.log().await;
    let mut pages = Vec::new();
    loop {
        let page = chat.history(BROADCAST, before, 10).await.unwrap();
        let items: Vec<HistoryItem> = page.items.iter().map(|item| serde_json::from_str(item.get()).unwrap()).collect();
        let first = crate::testing::offset(&items[0]);
        assert_eq!(items, all[first as usize - 1..first as usize - 1 + items.len()]);
        pages.push(first..first + items.len() as u64);
        let Some(cursor) = page.next_cursor else { return pages };
        before = Some(cursor.parse().unwrap());
    }
}
