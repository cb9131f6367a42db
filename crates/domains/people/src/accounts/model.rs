//! What an account is, and the rules of its texts.

use std::fmt;

use kernel::{AccountId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its unique name, in lower case.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
    /// What its owner says about themselves; may be empty.
    pub bio: String,
    /// Whether it administers the site.
    pub admin: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An account as everyone sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    /// Its id.
    pub id: AccountId,
    /// Its unique name, in lower case.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
    /// What its owner says about themselves; may be empty.
    pub bio: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<Account> for Profile {
    fn from(account: Account) -> Self {
        let Account { id, handle, display_name, bio, admin: _, created_at } = account;
        Self { id, handle, display_name, bio, created_at }
    }
}

/// How an account is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its unique name, in lower case.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
}

/// What is needed for an account. Not printable, because of the password.
#[derive(Clone, Deserialize, ToSchema)]
pub struct NewAccount {
    /// 3 to 24 characters of a–z, 0–9 and underscore, beginning with a letter; capitals become small letters.
    #[schema(min_length = 3, max_length = 24)]
    pub handle: String,
    /// 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub password: String,
    /// 1 to 40 characters.
    #[schema(min_length = 1, max_length = 40)]
    pub display_name: String,
}

/// What its owner can change about an account; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct Changes {
    /// 1 to 40 characters.
    #[schema(min_length = 1, max_length = 40)]
    pub display_name: Option<String>,
    /// Up to 500 characters.
    #[schema(max_length = 500)]
    pub bio: Option<String>,
}

/// A text that is not what its field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct RuleBroken {
    /// The field.
    pub field: &'static str,
    /// A stable word for programs.
    pub code: &'static str,
    /// Its rule, as a sentence.
    pub rule: &'static str,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident($field:literal, $code:literal) = $rule:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str { &self.0 }
            /// The text itself.
            pub fn into_string(self) -> String { self.0 }
            const BROKEN: RuleBroken = RuleBroken { field: $field, code: $code, rule: $rule };
        }
    )+};
}

rules! {
    /// A handle in lower case.
    Handle("handle", "invalid_handle") =
        "A handle has 3 to 24 characters of a–z, 0–9 and underscore, and begins with a letter.";
    /// A display name without blanks at its ends.
    DisplayName("display_name", "invalid_display_name") =
        "A display name has 1 to 40 visible characters, and no line breaks or control characters.";
    /// What somebody says about themselves.
    Bio("bio", "invalid_bio") = "A bio has up to 500 characters, and no control characters but line breaks.";
    /// A password that is long enough.
    Password("password", "invalid_password") = "A password has 8 to 128 characters.";
}

impl Handle {
    /// Reads a handle; capitals become small letters.
    pub fn parse(text: &str) -> Result<Self, RuleBroken> {
        let characters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
        let valid = starts_well && limits::HANDLE_CHARS.contains(&text.len()) && text.bytes().all(characters);
        if valid { Ok(Self(text.to_ascii_lowercase())) } else { Err(Self::BROKEN) }
    }
}

impl DisplayName {
    /// Reads a display name.
    pub fn parse(text: &str) -> Result<Self, RuleBroken> {
        let text = text.trim();
        let valid = limits::DISPLAY_NAME_CHARS.contains(&text.chars().count())
            && !text.chars().any(|character| character.is_control() || steers_text(character))
            && text.chars().any(|character| !is_invisible(character));
        if valid { Ok(Self(text.to_owned())) } else { Err(Self::BROKEN) }
    }
}

impl Bio {
    /// Reads a bio.
    pub fn parse(text: &str) -> Result<Self, RuleBroken> {
        let text = text.trim();
        let valid = text.chars().count() <= limits::BIO_CHARS
            && text.chars().all(|character| character == '\n' || !(character.is_control() || steers_text(character)));
        if valid { Ok(Self(text.to_owned())) } else { Err(Self::BROKEN) }
    }
}

impl Password {
    /// Reads a password as it is.
    pub fn parse(text: &str) -> Result<Self, RuleBroken> {
        let valid = limits::PASSWORD_CHARS.contains(&text.chars().count());
        if valid { Ok(Self(text.to_owned())) } else { Err(Self::BROKEN) }
    }
}

/// Whether a character breaks lines or turns the direction of the text behind it (Unicode TR 36, section 2.6).
fn steers_text(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character shows nothing: blanks, joiners, fillers.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        )
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
