//! Mentions and replies, groups, and resends long after, on both SQL engines.

use kernel::MessageId;

use crate::messages::{Error, HistoryItem, NewMessage};
use crate::testing::{BROADCAST, caller, stages};
use crate::{Chat, Settings};

fn new(text: &str) -> NewMessage {
    NewMessage { text: text.into(), ..NewMessage::default() }
}

#[tokio::test]
async fn a_mention_names_the_account() {
    for stage in stages().await {
        let chat = stage.chat();
        let text = "@Person_3 @person_3 @nobody hi @person_4!";
        let message = chat.post(&caller(2), BROADCAST, text.into(), None).await.unwrap();
        let handles: Vec<&str> = message.mentions.iter().map(|person| person.handle.as_str()).collect();
        assert_eq!((handles, message.text.as_str()), (vec!["person_3", "person_4"], text));
        assert!(matches!(&stage.log().await[..], [HistoryItem::Message(kept)] if *kept == message));
    }
}

#[tokio::test]
async fn a_reply_names_what_it_answers_and_repeats_none_of_it() {
    for stage in stages().await {
        let chat = stage.chat();
        let parent = chat.post(&caller(2), BROADCAST, "secret".into(), None).await.unwrap();
        let reply = |parent| NewMessage { reply_to: Some(parent), ..new("yes") };
        let message = chat.messages.post(&caller(3), BROADCAST, reply(parent.id)).await.unwrap();
        let named = message.reply_to.as_ref().unwrap();
        assert_eq!((named.id, named.offset, named.account.handle.as_str()), (parent.id, 1, "person_2"));
        chat.delete(&caller(2), BROADCAST, parent.id).await.unwrap();
        let kept = serde_json::to_string(&stage.log().await).unwrap();
        assert!(!kept.contains("secret"), "{kept}");
        for gone in [parent.id, MessageId::from_raw(5)] {
            let refused = chat.messages.post(&caller(3), BROADCAST, reply(gone)).await;
            assert!(matches!(refused, Err(Error::ReplyUnknown)), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn a_group_is_posted_in_its_order_and_each_message_held_to_the_rules() {
    for stage in stages().await {
        let settings = Settings { rate: "4/30s".parse().unwrap(), ..Settings::default() };
        let chat = Chat::new(stage.parts.clone(), &settings).unwrap();
        let twice = || NewMessage { client_id: Some("own id".into()), ..new("twice") };
        let group = vec![new("one"), new(" "), twice(), twice(), new("two"), new("three"), new("four")];
        let answers = chat.messages.post_group(&caller(2), BROADCAST, group).await;
        let offsets: Vec<Option<u64>> = answers.iter().map(|one| one.as_ref().ok().map(|one| one.offset)).collect();
        // The resend counts until it is known as one, so that a group cannot write more than its allowance.
        assert_eq!(offsets, [Some(1), None, Some(2), Some(2), Some(3), None, None]);
        assert!(matches!(answers[1], Err(Error::TextEmpty)) && matches!(answers[5], Err(Error::TooFast { .. })));
        let texts: Vec<String> = stage.log().await.iter().map(text).collect();
        assert_eq!(texts, ["one", "twice", "two"]);
        let answers = chat.messages.post_group(&caller(2), BROADCAST, vec![new("four"), new("five")]).await;
        assert!(answers[0].is_ok() && answers[1].is_err(), "what was a resend is given back");
        assert!(chat.messages.post_group(&caller(2), BROADCAST, Vec::new()).await.is_empty());
    }
}

#[tokio::test]
async fn a_resend_is_known_after_a_day_and_after_a_year() {
    for stage in stages().await {
        let post =
            |chat: Chat| async move { chat.post(&caller(2), BROADCAST, "a".into(), Some("own id".into())).await };
        let first = post(stage.chat()).await.unwrap();
        for days in [1, 365] {
            stage.clock.advance(days * 24 * 60 * 60 * 1_000);
            assert_eq!(post(stage.chat()).await.unwrap(), first, "{days}");
        }
        assert_eq!(stage.log().await.len(), 1);
    }
}

fn text(item: &HistoryItem) -> String {
    match item {
        HistoryItem::Message(message) => message.text.clone(),
        other => panic!("{other:?}"),
    }
}
