//! Blocked words: of a channel by its moderators, of the site by its administrators. A message with one of them is refused,
//! held for review, or published with the word masked.
//!
//! **Matching** looks through capitals, full-width letters, marks, invisible characters, letters and digits that look
//! alike, loose jamo and spaced-out words. A word of an alphabet counts as a whole word, unless it begins or ends with
//! `*`; a word of a script without spaces between words (Hangul, kana, Chinese characters) counts wherever it stands.
//!
//! Limits: 500 words per channel and 500 of the site, of 60 characters. It is no judge of meaning.

mod fold;
mod http;
mod matcher;
mod model;
mod service;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use http::router;
pub(crate) use matcher::{Verdict, WordMatcher};
pub use model::{BlockedWord, Consequence, NewBlockedWord};
pub use service::BlockedWords;
pub use store::MIGRATION;
