//! What a message gets besides its text: the accounts it mentions, and the message it answers.

use kernel::limits;

use super::Error;
use super::model::{HistoryItem, ReplyTo};
use crate::needs::Names;
use crate::person::Person;

/// The accounts that a text mentions as `@handle`, the first ten. What looks like a mention and names nobody is text.
pub(super) async fn mentions(names: &dyn Names, text: &str) -> Result<Vec<Person>, Error> {
    let mut mentioned: Vec<Person> = Vec::new();
    for handle in handles(text) {
        if mentioned.iter().any(|person| person.handle == handle) {
            continue;
        }
        if let Some((id, name)) = names.by_handle(&handle).await? {
            mentioned.push(Person::new(id, Some(name)));
        }
    }
    Ok(mentioned)
}

/// What a reply names of the message it answers.
pub(super) fn reply_to(item: HistoryItem) -> Result<ReplyTo, Error> {
    let HistoryItem::Message(message) = item else { return Err(Error::ReplyUnknown) };
    let author = message.account;
    let account = Person { id: author.id, handle: author.handle, display_name: author.display_name };
    Ok(ReplyTo { id: message.id, offset: message.offset, account })
}

/// The handles behind an `@`, in lower case; an `@` within a word (an e-mail address) is none.
fn handles(text: &str) -> impl Iterator<Item = String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let found = text.match_indices('@').filter_map(move |(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        if before.ends_with(|character: char| character.is_alphanumeric() || "_@.".contains(character)) {
            return None;
        }
        let length = after.find(|character| !is_part(character)).unwrap_or(after.len());
        let handle = after.get(..length)?;
        limits::HANDLE_CHARS.contains(&handle.len()).then(|| handle.to_ascii_lowercase())
    });
    found.take(limits::MESSAGE_MENTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_found_and_addresses_left_alone() {
        for (text, expected) in [
            ("@Mina hi", &["mina"][..]),
            ("안녕@mina", &[]),
            ("안녕 @mina님", &["mina"]),
            ("(@a_b_c) @dee.", &["a_b_c", "dee"]),
            ("a@example.com @@mina @ab @", &[]),
            ("@abcdefghijklmnopqrstuvwxyz", &[]),
        ] {
            assert_eq!(handles(text).collect::<Vec<_>>(), expected, "{text}");
        }
        let many: String = (0..50).map(|number| format!("@person{number} ")).collect();
        assert_eq!(handles(&many).count(), limits::MESSAGE_MENTIONS);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_at_most_ten_handles(text in "[@a-zA-Z0-9_. 가-힣]{0,200}") {
            for handle in handles(&text) {
                proptest::prop_assert!(limits::HANDLE_CHARS.contains(&handle.len()));
                let written = format!("@{handle}");
                proptest::prop_assert!(text.to_ascii_lowercase().contains(&written));
            }
            proptest::prop_assert!(handles(&text).count() <= limits::MESSAGE_MENTIONS);
        }
    }
}
