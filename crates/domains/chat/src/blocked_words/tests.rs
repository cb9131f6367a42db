//! Blocked words as writers and moderators meet them, on both SQL engines.

use super::{Consequence, NewBlockedWord};
use crate::messages;
use crate::testing::{BROADCAST, CHANNEL, administrator, caller, stages};
use crate::{Chat, Error};

fn word(word: &str, consequence: Consequence) -> NewBlockedWord {
    NewBlockedWord { word: word.into(), consequence }
}

async fn says(chat: &Chat, account: i64, text: &str) -> Result<String, messages::Error> {
    chat.post(&caller(account), BROADCAST, text.into(), None).await.map(|message| message.text)
}

#[tokio::test]
async fn a_word_is_refused_held_or_masked_until_it_is_unblocked() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let host = caller(1);
        let block = |new| chat.blocked_words.block(&host, CHANNEL, new);
        let refused = block(word("bad", Consequence::Refuse)).await.unwrap();
        block(word("바보", Consequence::Mask)).await.unwrap();
        block(word("hmm*", Consequence::Hold)).await.unwrap();
        assert!(matches!(says(&chat, 2, "so B4D!").await, Err(messages::Error::BlockedWord(word)) if word == "bad"));
        assert_eq!(says(&chat, 2, "이 바보야").await.unwrap(), "이 **야");
        assert!(matches!(says(&chat, 2, "hmmmm").await, Err(messages::Error::Held(_))));
        assert_eq!(says(&chat, 2, "badge").await.unwrap(), "badge");
        assert_eq!(says(&chat, 1, "bad 바보 hmm").await.unwrap(), "bad 바보 hmm", "the host is held to none");
        let masked = block(word("BAD", Consequence::Mask)).await.unwrap();
        assert_eq!(says(&chat, 2, "bad").await.unwrap(), "***", "one word has one consequence");
        assert_eq!(masked.id, refused.id);
        chat.blocked_words.unblock(&caller(1), CHANNEL, masked.id).await.unwrap();
        assert_eq!(says(&chat, 2, "bad").await.unwrap(), "bad");
        let words = chat.blocked_words.list(&caller(1), CHANNEL, None, 10).await.unwrap().items;
        assert_eq!(words.iter().map(|one| one.word.as_str()).collect::<Vec<_>>(), ["바보", "hmm*"]);
        assert!(matches!(chat.blocked_words.list(&caller(2), CHANNEL, None, 10).await, Err(Error::NotAllowed)));
        for bad in ["", " ", "*", "..", &"a".repeat(61)] {
            assert!(matches!(block(word(bad, Consequence::Mask)).await, Err(Error::Value { .. })), "{bad}");
        }
    }
}

#[tokio::test]
async fn words_of_the_site_hold_in_every_channel() {
    for stage in stages().await {
        let chat = stage.unlimited();
        assert_eq!(says(&chat, 2, "bad").await.unwrap(), "bad");
        let new = || word("bad", Consequence::Refuse);
        let made = chat.blocked_words.block_everywhere(&administrator(9), new()).await.unwrap();
        assert!(says(&chat, 2, "bad").await.is_err());
        for refused in [
            chat.blocked_words.block_everywhere(&caller(1), new()).await.unwrap_err(),
            chat.blocked_words.unblock_everywhere(&caller(1), made.id).await.unwrap_err(),
            chat.blocked_words.list_of_site(&caller(1), None, 10).await.unwrap_err(),
        ] {
            assert!(matches!(refused, Error::NotAllowed));
        }
        let other = chat.blocked_words.unblock(&caller(1), CHANNEL, made.id).await;
        assert!(matches!(other, Err(Error::Unknown(_))), "a channel does not unblock the site's words");
        assert_eq!(
            chat.blocked_words.list_of_site(&administrator(9), None, 10).await.unwrap().items,
            std::slice::from_ref(&made)
        );
        chat.blocked_words.unblock_everywhere(&administrator(9), made.id).await.unwrap();
        assert_eq!(says(&chat, 2, "bad").await.unwrap(), "bad");
    }
}

#[tokio::test]
async fn a_channel_blocks_so_many_words() {
    for stage in stages().await {
        let chat = stage.unlimited();
        let letters = |number: usize| -> String {
            number.to_string().bytes().map(|digit| char::from(b'k' + digit - b'0')).collect()
        };
        for number in 1_000..1_500 {
            chat.blocked_words.block(&caller(1), CHANNEL, word(&letters(number), Consequence::Hold)).await.unwrap();
        }
        let full = chat.blocked_words.block(&caller(1), CHANNEL, word("more", Consequence::Hold)).await;
        assert!(matches!(full, Err(Error::Full { limit: 500, .. })));
        let known = chat.blocked_words.block(&caller(1), CHANNEL, word(&letters(1_000), Consequence::Mask)).await;
        assert_eq!(known.unwrap().consequence, Consequence::Mask, "a known one may still be changed");
    }
}
