//! Emotes: short codes such as `:lantern:`, and which texts are emoji and emotes alone.

use std::collections::BTreeMap;

use kernel::limits;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// An emote of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Emote {
    /// Written between colons.
    pub code: String,
    /// What readers see.
    pub emoji: String,
}

/// The emotes of the site, by code. Read from a list of `code=emoji`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emotes(BTreeMap<String, String>);

impl Default for Emotes {
    fn default() -> Self {
        let list = [
            ("lantern", "🏮"),
            ("clap", "👏"),
            ("heart", "❤️"),
            ("laugh", "😂"),
            ("wow", "😮"),
            ("cry", "😭"),
            ("fire", "🔥"),
            ("party", "🎉"),
            ("love", "😍"),
            ("cool", "😎"),
            ("hi", "👋"),
            ("thanks", "🙏"),
        ];
        Self(list.map(|(code, emoji)| (code.to_owned(), emoji.to_owned())).into())
    }
}

impl Emotes {
    /// All of them, by code.
    pub fn list(&self) -> Vec<Emote> {
        self.0.iter().map(|(code, emoji)| Emote { code: code.clone(), emoji: emoji.clone() }).collect()
    }

    /// Whether a text is made of emoji, emote codes and white space alone.
    pub(crate) fn are_all_of(&self, text: &str) -> bool {
        let mut pieces = text.split(':');
        // Outside of colons there may be emoji; between two colons a code of ours, or else the text is no emote.
        let Some(first) = pieces.next() else { return true };
        if !is_emoji(first) {
            return false;
        }
        let mut inside = true;
        for piece in pieces {
            let fits = if inside { self.0.contains_key(piece) } else { is_emoji(piece) };
            if !fits {
                return false;
            }
            inside = !inside;
        }
        inside
    }
}

impl<'de> Deserialize<'de> for Emotes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<String>::deserialize(deserializer)?;
        if list.len() > limits::EMOTES {
            return Err(de::Error::custom(format!("{} emotes; at most {}", list.len(), limits::EMOTES)));
        }
        let mut emotes = BTreeMap::new();
        for entry in list {
            let pair = entry.split_once('=').map(|(code, emoji)| (code.trim(), emoji.trim()));
            let fits = |code: &str| {
                (1..=24).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            match pair {
                Some((code, emoji)) if fits(code) && !emoji.is_empty() && is_emoji(emoji) => {
                    emotes.insert(code.to_owned(), emoji.to_owned());
                }
                _ => return Err(de::Error::custom(format!("{entry:?} is no emote: write for instance lantern=🏮"))),
            }
        }
        Ok(Self(emotes))
    }
}

/// Whether a text is emoji and white space alone (Unicode TR 51: pictographs with their joiners, modifiers and selectors,
/// flags, keycaps).
fn is_emoji(text: &str) -> bool {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '0'..='9' | '#' | '*' => {
                let keycap = after.strip_prefix('\u{fe0f}').unwrap_or(after).strip_prefix('\u{20e3}');
                let Some(after) = keycap else { return false };
                after
            }
            _ if character.is_whitespace() || is_pictograph(character) || joins(character) => after,
            _ => return false,
        };
    }
    true
}

fn is_pictograph(character: char) -> bool {
    matches!(
        character,
        '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{25ff}' | '\u{2934}' | '\u{2935}' | '©' | '®' | '‼' | '⁉' | '™'
            | 'ℹ' | '〰' | '〽' | '㊗' | '㊙' | 'Ⓜ'
    )
}

/// Zero-width joiner, variation selectors, and the tags of regional flags.
fn joins(character: char) -> bool {
    matches!(character, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_and_codes_alone() {
        let emotes = Emotes::default();
        for good in ["😀", "👩‍👩‍👧 👋🏽", "🇰🇷1️⃣#️⃣", ":lantern:", "🏮:lantern: :clap:🔥", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
        {
            assert!(emotes.are_all_of(good), "{good}");
        }
        for bad in ["안녕 😀", "😀a", ":unknown:", ":lantern", "lantern:", "12", ":lantern:clap:", "::", "ㅋㅋ"]
        {
            assert!(!emotes.are_all_of(bad), "{bad}");
        }
    }

    #[test]
    fn a_list_from_the_settings() {
        let emotes: Emotes = serde_json::from_str(r#"["yard=🏡", "wave = 👋"]"#).unwrap();
        assert!(emotes.are_all_of(":yard::wave:") && !emotes.are_all_of(":lantern:"));
        for bad in [r#"["yard"]"#, r#"["a b=👋"]"#, r#"["yard=house"]"#, r#"["=👋"]"#, r#"["yard="]"#] {
            assert!(serde_json::from_str::<Emotes>(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_and_letters_are_no_emoji(text in "\\PC{0,60}") {
            let emotes = Emotes::default();
            let judged = emotes.are_all_of(&text);
            let letters = text.contains(|character: char| character.is_alphabetic() && !text.contains(':'));
            proptest::prop_assert!(!(judged && letters), "{text:?}");
        }
    }
}
